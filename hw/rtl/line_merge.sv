// Stage 4: two lines become one feed. What each event does is said in hw/formal/merge_rules.sv and
// in hw/README.md; this module does the same at the clock's speed.
//
// State: the next new number, and one hole [hole, hole + left) of numbers that did not come. For
// each line what its packet has done so far, so that it can be taken back if it ends bad.
//
// One event that changes anything is done a cycle, and a message that is known already is thrown
// away beside it, so that duplicates of the slower line cost the faster one nothing. Which line's
// event is done is decided without a look at its number, as the record's 512 bits wait for the
// decision: a line that is urgent, then BEGIN and END, then the line that was ahead last.
//
// Numbers of messages are only compared for equality in the cycle in which they are needed. BEGIN
// and END need subtractions, and are therefore looked at in one cycle and done in a later one
// (prepared_q). What was prepared for a BEGIN is void when the next number has moved meanwhile;
// messages then wait for a cycle (hold_q), so that it is ready at the second attempt.
//
// Latency: one register for a message at the head of its queue, two for BEGIN and END.
// Back-pressure: none from below, record_o is taken in each cycle. Above lies a queue a line.
module line_merge (
  input  logic              clk_i,
  input  logic              rst_i,
  input  logic [31:0]       cycle_i,
  input  logic [47:0]       cfg_next_seq_i,
  input  logic [7:0]        cfg_venue_i,
  // The heads of the two queues.
  input  logic [1:0]        is_begin_i,
  input  logic [1:0]        is_message_i,
  input  logic [1:0]        is_end_i,
  input  logic [1:0]        good_i,
  input  logic [1:0]        session_i,
  input  logic [1:0]        unknown_i,
  input  logic [1:0]        badlen_i,
  input  logic [1:0]        pass_i,
  input  logic [1:0][4:0]   kind_i,
  input  logic [1:0][15:0]  msg_cycle_i,
  input  logic [1:0][511:0] record_i,      // of BEGIN and END only seq, receive_time
  input  logic [1:0]        urgent_i,
  output logic [1:0]        take_o,
  // The record, with the range of numbers that a host misses if the record is dropped.
  output logic                      record_valid_o,
  output logic [511:0]      record_o,      // an event_record_t
  output logic [47:0]               record_first_o,
  output logic [47:0]               record_end_o,
  output logic                      record_is_message_o,
  output logic [31:0]               record_cycle_o,
  // Pulses for the counters.
  output logic              cnt_gap_o,
  output logic              cnt_gap_closed_o,
  output logic              cnt_retract_o,
  output logic              cnt_far_ahead_o,
  output logic              cnt_malformed_kind_o,
  output logic              cnt_malformed_length_o,
  output logic              cnt_filtered_o,
  output logic              cnt_kind_valid_o,
  output logic [4:0]        cnt_kind_o,
  output logic [1:0]        cnt_message_o,
  output logic [1:0]        cnt_duplicate_o
);

  logic [47:0] expected_q, hole_q, hole_end_q, hole_left_q;
  logic hole_open_q, hole_last_q;  // hole_left_q is not 0; is 1
  logic [1:0] refused_q, jumped_q, closing_q, taken_q;
  logic [1:0][47:0] begin_seq_q, close_at_q;
  logic [1:0][47:0] first_q, last_q;  // accepted so far: [first, last), both 0 for nothing

  // What BEGIN and END need, of the cycle before.
  logic [1:0] prepared_q, ahead_q, started_q;
  logic [1:0][47:0] distance_q, taken_count_q;
  logic hold_q, favour_q;

  // --- Which line's event is done.
  logic [1:0][47:0] seq;
  logic [1:0] at_next, at_hole, skip, ready;
  logic favour, line, fire;

  assign seq[0] = record_i[0][47:0];
  assign seq[1] = record_i[1][47:0];

  always_comb begin
    for (int l = 0; l < 2; l++) begin
      at_next[l] = seq[l] == expected_q;
      at_hole[l] = hole_open_q && seq[l] == hole_q;
      skip[l] = is_message_i[l] && (refused_q[l] || !(at_next[l] || at_hole[l]));
      ready[l] = prepared_q[l] || (is_message_i[l] && !hold_q);
    end
    favour = favour_q;
    if (prepared_q[0] != prepared_q[1]) favour = prepared_q[1];
    if (urgent_i[0] != urgent_i[1]) favour = urgent_i[1];
    line = ready[favour] ? favour : !favour;
    fire = ready[0] || ready[1];
    take_o = skip;
    if (fire) take_o[line] = 1'b1;
  end

  // --- What it does. The hole lies below the next number, so that at_next and at_hole exclude each
  // other.
  logic begin_now, message_now, end_now, heard;
  logic is_new, is_fill, accepted, good_kind, is_far, opens, closes, ends, fell_back, took_back;
  logic back_to_hole, moves;
  logic [47:0] seq_now, seq_after, expected_after, hole_after, distance, taken_count;

  assign expected_after = expected_q + 48'd1;
  assign hole_after = hole_q + 48'd1;

  always_comb begin
    begin_now = prepared_q[line] && is_begin_i[line];
    message_now = is_message_i[line] && !hold_q;
    end_now = prepared_q[line] && is_end_i[line];
    heard = !refused_q[line];
    seq_now = seq[line];
    // Equal to seq_now + 1 wherever it is used: what is accepted is one of the two.
    seq_after = at_next[line] ? expected_after : hole_after;
    distance = distance_q[line];
    taken_count = taken_count_q[line];

    is_new = message_now && heard && at_next[line];
    is_fill = message_now && heard && at_hole[line];
    accepted = is_new || is_fill;
    good_kind = !unknown_i[line] && !badlen_i[line];

    is_far = begin_now && ahead_q[line] && started_q[line]
        && (distance[47:33] != '0 || (distance[32] && distance[31:0] != '0));
    opens = begin_now && ahead_q[line] && !is_far;

    ends = end_now && heard && good_i[line] && session_i[line];
    closes = end_now && heard && good_i[line] && !session_i[line] && closing_q[line];
    fell_back = end_now && heard && !good_i[line] && jumped_q[line];
    took_back = end_now && heard && !good_i[line] && !jumped_q[line] && taken_q[line];
    // A hole that the other line has opened and that nobody has confirmed is what to go back to.
    back_to_hole = took_back && !jumped_q[!line];
    moves = is_new || opens || fell_back;
  end

  always_ff @(posedge clk_i) begin
    for (int l = 0; l < 2; l++) begin
      distance_q[l] <= seq[l] - expected_q;
      ahead_q[l] <= seq[l] > expected_q;
      started_q[l] <= expected_q != '0;
      taken_count_q[l] <= last_q[l] - first_q[l];
      prepared_q[l] <= !take_o[l] && (is_end_i[l] || (is_begin_i[l] && !moves));
    end
    hold_q <= moves && (is_begin_i & ~take_o) != '0;
    if (is_new) favour_q <= line;
    if (fire && urgent_i == 2'b11) favour_q <= !line;
    if (rst_i) begin
      prepared_q <= '0;
      hold_q <= 1'b0;
      favour_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (moves) begin
      expected_q <= message_now ? expected_after : begin_now ? seq_now : hole_q;
    end

    if (opens) begin
      hole_q <= expected_q;
      hole_end_q <= seq_now;
      hole_left_q <= distance;
      hole_open_q <= 1'b1;
      hole_last_q <= distance == 48'd1;
    end
    if (is_fill) begin
      hole_q <= hole_after;
      hole_left_q <= hole_left_q - 48'd1;
      hole_open_q <= !hole_last_q;
      hole_last_q <= hole_left_q == 48'd2;
    end
    if (fell_back) begin
      hole_end_q <= hole_q;
      hole_left_q <= '0;
      hole_open_q <= 1'b0;
      hole_last_q <= 1'b0;
    end
    if (back_to_hole) begin
      hole_q <= first_q[line];
      hole_end_q <= last_q[line];
      hole_left_q <= taken_count;
      hole_open_q <= 1'b1;
      hole_last_q <= taken_count == 48'd1;
    end

    if (begin_now) begin
      begin_seq_q[line] <= seq_now;
      refused_q[line] <= is_far;
      jumped_q[line] <= opens;
      closing_q[line] <= 1'b0;
      taken_q[line] <= 1'b0;
      first_q[line] <= '0;
      last_q[line] <= '0;
    end
    if (opens || is_new) jumped_q[!line] <= 1'b0;
    if (accepted) begin
      taken_q[line] <= 1'b1;
      if (!taken_q[line]) first_q[line] <= seq_now;
      last_q[line] <= seq_after;
    end
    if (is_fill && hole_last_q) begin
      closing_q[line] <= 1'b1;
      close_at_q[line] <= hole_end_q;
    end
    if (opens || fell_back || took_back) closing_q <= '0;

    if (rst_i) begin
      expected_q <= cfg_next_seq_i;
      hole_q <= cfg_next_seq_i;
      hole_end_q <= cfg_next_seq_i;
      hole_left_q <= '0;
      hole_open_q <= 1'b0;
      hole_last_q <= 1'b0;
      refused_q <= '0;
      jumped_q <= '0;
      closing_q <= '0;
      taken_q <= '0;
    end
  end

  // --- The record. Its fields depend on the event's type alone; whether there is one, on numbers.
  record_t head, control, record;
  logic [47:0] range_first, range_end;

  always_comb begin
    head = record_i[line];
    control = '0;
    control.venue = cfg_venue_i;
    control.receive_time = head.receive_time;
    range_first = seq_now;
    range_end = seq_after;
    if (is_begin_i[line]) begin
      control.kind = tercel_pkg::KindGapOpen;
      control.order_ref = {16'd0, expected_q};
      control.quantity = {16'd0, distance};
      range_first = expected_q;
      range_end = seq_now;
    end else if (!good_i[line]) begin
      control.kind = tercel_pkg::KindRetract;
      control.order_ref = {16'd0, first_q[line]};
      control.quantity = {16'd0, taken_count};
      control.second_ref = {16'd0, jumped_q[line] ? hole_q : expected_q};
    end else if (session_i[line]) begin
      control.kind = tercel_pkg::KindSessionEnd;
      control.order_ref = {16'd0, begin_seq_q[line]};
    end else begin
      control.kind = tercel_pkg::KindGapClosed;
      control.order_ref = {16'd0, close_at_q[line]};
    end
    if (is_end_i[line]) begin
      range_first = control.order_ref[47:0];
      range_end = good_i[line] ? control.order_ref[47:0] : last_q[line];
    end
    record = is_message_i[line] ? head : control;
    if (is_fill) record.flags = record.flags | tercel_pkg::FlagRecovered;
  end

  always_ff @(posedge clk_i) begin
    record_o <= record;
    record_first_o <= range_first;
    record_end_o <= range_end;
    record_is_message_o <= is_message_i[line];
    // A stamp above the counter is of its lap before.
    record_cycle_o <= {
      msg_cycle_i[line] > cycle_i[15:0] ? cycle_i[31:16] - 16'd1 : cycle_i[31:16],
      msg_cycle_i[line]
    };
    record_valid_o <= opens || closes || ends || fell_back || took_back
        || (accepted && good_kind && pass_i[line]);
    cnt_gap_o <= opens;
    cnt_gap_closed_o <= closes;
    cnt_retract_o <= fell_back || took_back;
    cnt_far_ahead_o <= is_far;
    cnt_malformed_kind_o <= accepted && unknown_i[line];
    cnt_malformed_length_o <= accepted && !unknown_i[line] && badlen_i[line];
    cnt_filtered_o <= accepted && good_kind && !pass_i[line];
    cnt_kind_valid_o <= accepted && good_kind;
    cnt_kind_o <= kind_i[line];
    cnt_message_o <= '0;
    cnt_message_o[line] <= accepted;
    cnt_duplicate_o <= skip & ~refused_q;
    if (rst_i) begin
      record_valid_o <= 1'b0;
      cnt_gap_o <= 1'b0;
      cnt_gap_closed_o <= 1'b0;
      cnt_retract_o <= 1'b0;
      cnt_far_ahead_o <= 1'b0;
      cnt_malformed_kind_o <= 1'b0;
      cnt_malformed_length_o <= 1'b0;
      cnt_filtered_o <= 1'b0;
      cnt_kind_valid_o <= 1'b0;
      cnt_message_o <= '0;
      cnt_duplicate_o <= '0;
    end
  end

endmodule

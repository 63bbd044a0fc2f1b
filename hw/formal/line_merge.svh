  // --- The world: a head stays until it is taken, and is one of the three kinds.
  logic started = 1'b0;
  always_ff @(posedge clk_i) started <= 1'b1;
  always_comb assume (rst_i == !started);
  // On each line BEGIN, messages, END.
  logic [1:0] left_there_q, began_q;
  logic [1:0][3:0] head_q;
  logic [1:0][47:0] head_seq_q;
  wire [1:0][47:0] head_seq = {record_i[1][47:0], record_i[0][47:0]};
  always_ff @(posedge clk_i) for (int l = 0; l < 2; l++) begin
    left_there_q[l] <= !rst_i && (is_begin_i[l] || is_message_i[l] || is_end_i[l]) && !take_o[l];
    head_q[l] <= {is_begin_i[l], is_message_i[l], is_end_i[l], good_i[l]};
    head_seq_q[l] <= head_seq[l];
  end
  always_comb for (int l = 0; l < 2; l++) begin
    assume ($onehot0({is_begin_i[l], is_message_i[l], is_end_i[l]}));
    if (left_there_q[l]) begin
      assume (head_q[l] == {is_begin_i[l], is_message_i[l], is_end_i[l], good_i[l]});
      assume (head_seq_q[l] == head_seq[l]);
    end
    if (is_begin_i[l]) assume (!began_q[l]);
    if (is_message_i[l] || is_end_i[l]) assume (began_q[l]);
  end
  always_ff @(posedge clk_i) begin
    for (int l = 0; l < 2; l++) begin
      if (take_o[l] && is_begin_i[l]) began_q[l] <= 1'b1;
      if (take_o[l] && is_end_i[l]) began_q[l] <= 1'b0;
    end
    if (rst_i) began_q <= 2'b00;
  end

  // --- The rules, fed with what the merge does.
  wire [1:0] here = is_begin_i | is_message_i | is_end_i;
  logic is_new_r, is_fill_r, is_duplicate_r, is_far_r, opens_r, closes_r, retracts_r;
  logic [47:0] gap_from_r, gap_count_r, closed_at_r, void_from_r, void_count_r, void_next_r;
  logic [47:0] expected_r, hole_r, hole_end_r;
  logic [1:0] refused_r, jumped_r, closing_r, taken_r;
  logic [1:0][47:0] close_at_r, first_r, last_r;
  merge_rules rules (
    .clk(clk_i), .rst(rst_i), .next_seq(cfg_next_seq_i),
    .is_begin(fire && begin_now), .is_message(fire && message_now), .is_end(fire && end_now),
    .line(line), .seq(seq_now), .good(good_i[line]),
    .is_new(is_new_r), .is_fill(is_fill_r), .is_duplicate(is_duplicate_r), .is_far(is_far_r),
    .opens(opens_r), .gap_from(gap_from_r), .gap_count(gap_count_r), .closes(closes_r),
    .closed_at(closed_at_r), .retracts(retracts_r), .void_from(void_from_r),
    .void_count(void_count_r), .void_next(void_next_r), .expected(expected_r), .hole(hole_r),
    .hole_end(hole_end_r), .refused(refused_r), .jumped(jumped_r), .closing(closing_r),
    .taken(taken_r), .close_at(close_at_r), .first(first_r), .last(last_r)
  );

  // --- What comes out is what the rules say, a cycle later.
  logic shows_q, gap_q, closed_q, retract_q, message_q, session_q;
  logic [47:0] number_q, count_q, next_q;
  wire rules_message = (is_new_r || is_fill_r) && good_kind && pass_i[line];
  wire rules_session = fire && end_now && !refused_r[line] && good_i[line] && session_i[line];
  wire rules_closes = closes_r && !session_i[line];
  always_ff @(posedge clk_i) begin
    shows_q <= !rst_i && (opens_r || rules_closes || retracts_r || rules_message || rules_session);
    gap_q <= opens_r;
    closed_q <= rules_closes;
    retract_q <= retracts_r;
    message_q <= rules_message;
    session_q <= rules_session;
    number_q <= opens_r ? gap_from_r : rules_closes ? closed_at_r : retracts_r ? void_from_r
      : seq_now;
    count_q <= opens_r ? gap_count_r : void_count_r;
    next_q <= void_next_r;
  end
  tercel_pkg::event_record_t out;
  always_comb out = record_o;
  always_comb if (started && !rst_i) begin
    as_ruled : assert (record_valid_o == shows_q);
    if (shows_q && message_q) message_right : assert (out.seq[47:0] == number_q);
    if (shows_q && !message_q) not_numbered : assert (out.seq == '0);
    if (shows_q && gap_q) gap_right : assert (out.kind == tercel_pkg::KindGapOpen
      && out.order_ref == number_q && out.quantity == count_q);
    if (shows_q && closed_q) closed_right : assert (out.kind == tercel_pkg::KindGapClosed
      && out.order_ref == number_q);
    if (shows_q && retract_q) retract_right : assert (out.kind == tercel_pkg::KindRetract
      && out.order_ref == number_q && out.quantity == count_q
      && out.second_ref == next_q);
    if (shows_q && session_q) end_right : assert (out.kind == tercel_pkg::KindSessionEnd);
    // What is thrown away beside the event that is done is known already, or refused.
    for (int l = 0; l < 2; l++) if (take_o[l] && !(fire && line == l)) begin
      assert (is_message_i[l] && (refused_r[l]
        || (head_seq[l] != expected_r && !(hole_r != hole_end_r && head_seq[l] == hole_r))));
    end
    if (fire) one_event : assert ($onehot({begin_now, message_now, end_now}));
    only_what_is_there : assert ((take_o & ~here) == '0);
  end

`ifdef INVARIANTS
  // --- The RTL's state is that of the rules, and what was prepared is what they would compute.
  always_comb if (started && !rst_i) begin
    assert (expected_q == expected_r && hole_q == hole_r && hole_end_q == hole_end_r);
    assert (hole_end_r == hole_r + hole_left_q);
    assert (hole_open_q == (hole_left_q != 0) && hole_last_q == (hole_left_q == 1));
    assert (refused_q == refused_r && jumped_q == jumped_r && closing_q == closing_r);
    assert (taken_q == taken_r);
    for (int l = 0; l < 2; l++) begin
      if (began_q[l]) assert (first_q[l] == first_r[l] && last_q[l] == last_r[l]);
      if (closing_q[l]) assert (close_at_q[l] == close_at_r[l]);
      if (prepared_q[l]) begin
        assert (left_there_q[l] && (is_begin_i[l] || is_end_i[l]));
        if (is_begin_i[l]) assert (distance_q[l] == head_seq[l] - expected_q
          && ahead_q[l] == (head_seq[l] > expected_q) && started_q[l] == (expected_q != 0));
        if (is_end_i[l]) assert (taken_count_q[l] == last_q[l] - first_q[l]);
      end
    end
  end
`endif

// Directed, self-checking: events into two line_queues, through line_merge, record_fifo and
// ring_writer; what the ring-write port shows is compared with what the rules of the card say.
`timescale 1ns / 1ps

module line_merge_tb;

  logic clk = 1'b0;
  logic clear = 1'b1;
  logic rst = 1'b1;
  always #1 clk = ~clk;

  logic [31:0] cycle = 32'h0000_fff0;
  always @(posedge clk) cycle <= cycle + 32'd1;

  logic [47:0] next_seq = 48'd100;
  logic [31:0] tail = 32'd0;
  logic wr_ready = 1'b1;

  // One event of each line, for one cycle.
  logic [1:0] begin_valid = '0;
  logic [1:0] msg_valid = '0;
  logic [1:0] end_valid = '0;
  logic [1:0] end_good = '0;
  logic [1:0] end_session = '0;
  logic [1:0] unknown = '0;
  logic [1:0] badlen = '0;
  logic [1:0] pass = '1;
  logic [1:0][47:0] seq = '0;
  logic [1:0][15:0] stamp;
  logic [1:0][511:0] in_record;

  logic [1:0] is_begin, is_message, is_end, good, session, is_unknown, is_badlen, passes, urgent;
  logic [1:0] take, queue_drop, cnt_message, cnt_duplicate;
  logic [1:0][4:0] kind;
  logic [1:0][15:0] msg_cycle;
  logic [1:0][511:0] line_record;

  for (genvar l = 0; l < 2; l++) begin : gen_line
    // Kind 0x41, the number in order_ref as well, the line as ticks.
    assign in_record[l] = {16'd0, 48'(l + 7), 64'd5, 64'd0, 16'd0, seq[l], 64'd0, 64'd0, 16'd0,
                           16'd1, 8'd0, 8'd9, 8'd0, 8'h41, 64'd0};
    assign stamp[l] = cycle[15:0] - 16'd3;
    line_queue u_queue (
      .clk_i(clk),
      .rst_i(clear),
      .begin_valid_i(begin_valid[l]),
      .begin_seq_i(seq[l]),
      .msg_valid_i(msg_valid[l]),
      .msg_seq_i(seq[l]),
      .msg_unknown_i(unknown[l]),
      .msg_badlen_i(badlen[l]),
      .msg_kind_i(5'd10),
      .msg_pass_i(pass[l]),
      .msg_record_i(in_record[l]),
      .msg_cycle_i(stamp[l]),
      .end_valid_i(end_valid[l]),
      .end_good_i(end_good[l]),
      .end_session_i(end_session[l]),
      .ticks_i(48'(l + 7)),
      .is_begin_o(is_begin[l]),
      .is_message_o(is_message[l]),
      .is_end_o(is_end[l]),
      .good_o(good[l]),
      .session_o(session[l]),
      .unknown_o(is_unknown[l]),
      .badlen_o(is_badlen[l]),
      .pass_o(passes[l]),
      .kind_o(kind[l]),
      .cycle_o(msg_cycle[l]),
      .record_o(line_record[l]),
      .urgent_o(urgent[l]),
      .take_i(take[l]),
      .drop_o(queue_drop[l])
    );
  end

  logic merged_valid, merged_is_message, kind_valid;
  logic [511:0] merged, waiting;
  logic [47:0] merged_first, merged_end;
  logic [31:0] merged_cycle, waiting_cycle;
  logic [4:0] kind_index;
  logic cnt_gap, cnt_closed, cnt_retract, cnt_far, cnt_kind, cnt_length, cnt_filtered;
  logic waiting_valid, waiting_is_message, waiting_ready, room, cnt_drop, cnt_ring_full;
  logic wr_valid, cnt_record;
  logic [63:0] wr_addr;
  logic [511:0] wr_data;
  logic [31:0] head, latency_min, latency_max;

  line_merge dut (
    .clk_i(clk),
    .rst_i(clear),
    .cycle_i(cycle),
    .cfg_next_seq_i(next_seq),
    .cfg_venue_i(8'd9),
    .is_begin_i(is_begin),
    .is_message_i(is_message),
    .is_end_i(is_end),
    .good_i(good),
    .session_i(session),
    .unknown_i(is_unknown),
    .badlen_i(is_badlen),
    .pass_i(passes),
    .kind_i(kind),
    .msg_cycle_i(msg_cycle),
    .record_i(line_record),
    .urgent_i(urgent),
    .take_o(take),
    .record_valid_o(merged_valid),
    .record_o(merged),
    .record_first_o(merged_first),
    .record_end_o(merged_end),
    .record_is_message_o(merged_is_message),
    .record_cycle_o(merged_cycle),
    .cnt_gap_o(cnt_gap),
    .cnt_gap_closed_o(cnt_closed),
    .cnt_retract_o(cnt_retract),
    .cnt_far_ahead_o(cnt_far),
    .cnt_malformed_kind_o(cnt_kind),
    .cnt_malformed_length_o(cnt_length),
    .cnt_filtered_o(cnt_filtered),
    .cnt_kind_valid_o(kind_valid),
    .cnt_kind_o(kind_index),
    .cnt_message_o(cnt_message),
    .cnt_duplicate_o(cnt_duplicate)
  );

  record_fifo u_fifo (
    .clk_i(clk),
    .rst_i(clear),
    .cfg_venue_i(8'd9),
    .ring_room_i(room),
    .valid_i(merged_valid),
    .record_i(merged),
    .record_first_i(merged_first),
    .record_end_i(merged_end),
    .is_message_i(merged_is_message),
    .record_cycle_i(merged_cycle),
    .valid_o(waiting_valid),
    .record_o(waiting),
    .is_message_o(waiting_is_message),
    .record_cycle_o(waiting_cycle),
    .ready_i(waiting_ready),
    .cnt_drop_o(cnt_drop),
    .cnt_ring_full_o(cnt_ring_full)
  );

  ring_writer u_writer (
    .clk_i(clk),
    .rst_i(rst),
    .clear_i(clear),
    .cycle_i(cycle),
    .cfg_base_i(58'h100),
    .cfg_log2_i(5'd4),
    .cfg_tail_i(tail),
    .valid_i(waiting_valid),
    .record_i(waiting),
    .is_message_i(waiting_is_message),
    .record_cycle_i(waiting_cycle),
    .ready_o(waiting_ready),
    .room_o(room),
    .wr_valid_o(wr_valid),
    .wr_ready_i(wr_ready),
    .wr_addr_o(wr_addr),
    .wr_data_o(wr_data),
    .head_o(head),
    .cnt_record_o(cnt_record),
    .latency_min_o(latency_min),
    .latency_max_o(latency_max)
  );

  // Counters, and the records written since the last start.
  integer gaps, closed, retracts, far, bad_kind, bad_length, filtered, known, drops, ring_full;
  integer messages[2];
  integer duplicates[2];
  integer queue_drops;
  integer errors = 0;
  integer written;
  integer looked_at;
  logic [511:0] log[1024];

  always @(posedge clk) begin
    if (clear) begin
      gaps = 0; closed = 0; retracts = 0; far = 0; bad_kind = 0; bad_length = 0; filtered = 0;
      known = 0; drops = 0; ring_full = 0; queue_drops = 0; written = 0;
      messages[0] = 0; messages[1] = 0; duplicates[0] = 0; duplicates[1] = 0;
    end else begin
      gaps += 32'(cnt_gap); closed += 32'(cnt_closed); retracts += 32'(cnt_retract);
      far += 32'(cnt_far); bad_kind += 32'(cnt_kind); bad_length += 32'(cnt_length);
      filtered += 32'(cnt_filtered); known += 32'(kind_valid); drops += 32'(cnt_drop);
      ring_full += 32'(cnt_ring_full);
      queue_drops += 32'(queue_drop[0]) + 32'(queue_drop[1]);
      messages[0] += 32'(cnt_message[0]); messages[1] += 32'(cnt_message[1]);
      duplicates[0] += 32'(cnt_duplicate[0]); duplicates[1] += 32'(cnt_duplicate[1]);
      if (wr_valid && wr_ready) begin
        log[written] = wr_data;
        check("address", wr_addr, 64'h4000 + 64 * (64'(written) % 64'd16));
        check("lap", {48'd0, wr_data[63:48]}, 64'(written) / 64'd16 + 64'd1);
        check("number", {48'd0, wr_data[511:496]}, 64'(written) + 64'd1);
        check("venue", {56'd0, wr_data[87:80]}, 64'd9);
        written += 1;
      end
    end
  end

  task automatic check(input string what, input logic [63:0] is, input logic [63:0] should);
    if (is !== should) begin
      errors += 1;
      $display("%0t: %s is %0d, not %0d", $time, what, is, should);
    end
  endtask

  // --- Events.
  task automatic quiet;
    @(negedge clk);
    begin_valid = '0;
    msg_valid = '0;
    end_valid = '0;
  endtask

  task automatic wait_cycles(input integer count);
    for (integer i = 0; i < count; i++) quiet();
  endtask

  task automatic start(input logic [47:0] expected);
    clear = 1'b1;
    next_seq = expected;
    tail = 32'd0;
    wait_cycles(4);
    clear = 1'b0;
    looked_at = 0;
    wait_cycles(2);
  endtask

  task automatic packet_begin(input logic line, input logic [47:0] number);
    begin_valid[line] = 1'b1;
    seq[line] = number;
    quiet();
    wait_cycles(3);
  endtask

  task automatic message(input logic line, input logic [47:0] number);
    msg_valid[line] = 1'b1;
    seq[line] = number;
    quiet();
    wait_cycles(2);
  endtask

  task automatic packet_end(input logic line, input logic is_good, input logic is_session);
    end_valid[line] = 1'b1;
    end_good[line] = is_good;
    end_session[line] = is_session;
    quiet();
    wait_cycles(4);
  endtask

  task automatic packet(input logic line, input logic [47:0] number, input integer count,
                        input logic is_good);
    packet_begin(line, number);
    for (integer i = 0; i < count; i++) message(line, number + 48'(i));
    packet_end(line, is_good, 1'b0);
  endtask

  // --- What has to have come.
  task automatic expect_message(input logic [47:0] number, input logic line, input logic late);
    if (looked_at >= written) begin
      check("record of message, none but", 64'd0, {16'd0, number});
    end else begin
      check("seq", {16'd0, log[looked_at][47:0]}, {16'd0, number});
      check("kind", {56'd0, log[looked_at][71:64]}, 64'h41);
      check("order_ref", log[looked_at][319:256], {16'd0, number});
      check("flags", {56'd0, log[looked_at][95:88]}, late ? 64'd4 : 64'd0);
      check("ticks", {16'd0, log[looked_at][495:448]}, 64'(line) + 64'd7);
    end
    looked_at += 1;
  endtask

  task automatic expect_control(input logic [7:0] code, input logic [47:0] order_ref,
                                input logic [47:0] quantity, input logic [47:0] second_ref);
    if (looked_at >= written) begin
      check("control record, none but", 64'd0, {56'd0, code});
    end else begin
      check("control kind", {56'd0, log[looked_at][71:64]}, {56'd0, code});
      check("seq of control", {16'd0, log[looked_at][47:0]}, 64'd0);
      check("order_ref of control", log[looked_at][319:256], {16'd0, order_ref});
      check("quantity", log[looked_at][255:192], {16'd0, quantity});
      check("second_ref", log[looked_at][383:320], {16'd0, second_ref});
    end
    looked_at += 1;
  endtask

  task automatic expect_all_seen;
    check("records", 64'(written), 64'(looked_at));
    check("HEAD", {32'd0, head}, 64'(written));
    check("state of a queue", {62'd0, is_begin | is_message | is_end}, 64'd0);
  endtask

  task automatic begin_test(input string name);
    $display("%s", name);
  endtask

  integer i;

  initial begin
    wait_cycles(4);
    rst = 1'b0;

    begin_test("new and duplicate");
    start(48'd100);
    packet(1'b0, 48'd100, 3, 1'b1);
    packet(1'b1, 48'd100, 4, 1'b1);
    wait_cycles(8);
    expect_message(48'd100, 1'b0, 1'b0);
    expect_message(48'd101, 1'b0, 1'b0);
    expect_message(48'd102, 1'b0, 1'b0);
    expect_message(48'd103, 1'b1, 1'b0);
    expect_all_seen();
    check("messages A", 64'(messages[0]), 64'd3);
    check("messages B", 64'(messages[1]), 64'd1);
    check("duplicates B", 64'(duplicates[1]), 64'd3);
    check("least latency", {32'd0, latency_min}, 64'd5);
    check("most latency", {32'd0, latency_max}, 64'd5);

    begin_test("gap, fill, closed");
    start(48'd10);
    packet(1'b0, 48'd12, 2, 1'b1);
    packet(1'b1, 48'd9, 4, 1'b1);
    wait_cycles(8);
    expect_control(8'h01, 48'd10, 48'd2, 48'd0);
    expect_message(48'd12, 1'b0, 1'b0);
    expect_message(48'd13, 1'b0, 1'b0);
    expect_message(48'd10, 1'b1, 1'b1);
    expect_message(48'd11, 1'b1, 1'b1);
    expect_control(8'h02, 48'd12, 48'd0, 48'd0);
    expect_all_seen();
    check("gaps", 64'(gaps), 64'd1);
    check("closed", 64'(closed), 64'd1);
    check("duplicates of the fill", 64'(duplicates[1]), 64'd2);

    begin_test("first packet at zero, and 48 bits");
    start(48'd0);
    packet(1'b0, 48'h0fff_ffff_ffff, 2, 1'b1);
    wait_cycles(8);
    expect_control(8'h01, 48'd0, 48'h0fff_ffff_ffff, 48'd0);
    expect_message(48'h0fff_ffff_ffff, 1'b0, 1'b0);
    expect_message(48'h1000_0000_0000, 1'b0, 1'b0);
    expect_all_seen();

    begin_test("retract with a jump");
    start(48'd0);
    packet(1'b0, 48'd50, 2, 1'b0);
    packet(1'b1, 48'd40, 1, 1'b1);
    wait_cycles(8);
    expect_control(8'h01, 48'd0, 48'd50, 48'd0);
    expect_message(48'd50, 1'b0, 1'b0);
    expect_message(48'd51, 1'b0, 1'b0);
    expect_control(8'h0a, 48'd50, 48'd2, 48'd0);
    expect_control(8'h01, 48'd0, 48'd40, 48'd0);
    expect_message(48'd40, 1'b1, 1'b0);
    expect_all_seen();
    check("retracts", 64'(retracts), 64'd1);

    begin_test("retract with a jump and no message");
    start(48'd5);
    packet(1'b1, 48'd6, 0, 1'b0);
    packet(1'b1, 48'd5, 1, 1'b1);
    wait_cycles(8);
    expect_control(8'h01, 48'd5, 48'd1, 48'd0);
    expect_control(8'h0a, 48'd0, 48'd0, 48'd5);
    expect_message(48'd5, 1'b1, 1'b0);
    expect_all_seen();

    begin_test("retract without a jump, brought again by the other line");
    start(48'd5);
    packet(1'b0, 48'd5, 3, 1'b0);
    packet(1'b0, 48'd8, 1, 1'b1);
    packet(1'b1, 48'd5, 4, 1'b1);
    wait_cycles(8);
    expect_message(48'd5, 1'b0, 1'b0);
    expect_message(48'd6, 1'b0, 1'b0);
    expect_message(48'd7, 1'b0, 1'b0);
    expect_control(8'h0a, 48'd5, 48'd3, 48'd8);
    expect_message(48'd8, 1'b0, 1'b0);
    expect_message(48'd5, 1'b1, 1'b1);
    expect_message(48'd6, 1'b1, 1'b1);
    expect_message(48'd7, 1'b1, 1'b1);
    expect_control(8'h02, 48'd8, 48'd0, 48'd0);
    expect_all_seen();

    begin_test("a hole that the other line has opened stays");
    start(48'd5);
    packet_begin(1'b0, 48'd5);
    message(1'b0, 48'd5);
    packet_begin(1'b1, 48'd9);
    message(1'b0, 48'd6);
    packet_end(1'b0, 1'b0, 1'b0);
    packet_end(1'b1, 1'b0, 1'b0);
    packet(1'b0, 48'd6, 1, 1'b1);
    wait_cycles(8);
    expect_message(48'd5, 1'b0, 1'b0);
    expect_control(8'h01, 48'd6, 48'd3, 48'd0);
    expect_message(48'd6, 1'b0, 1'b1);
    expect_control(8'h0a, 48'd5, 48'd2, 48'd9);
    expect_control(8'h0a, 48'd0, 48'd0, 48'd7);
    expect_all_seen();

    begin_test("far ahead");
    start(48'd1);
    packet(1'b0, 48'h1_0000_0002, 2, 1'b0);
    packet(1'b0, 48'h1_0000_0001, 1, 1'b1);
    wait_cycles(8);
    expect_control(8'h01, 48'd1, 48'h1_0000_0000, 48'd0);
    expect_message(48'h1_0000_0001, 1'b0, 1'b0);
    expect_all_seen();
    check("far ahead", 64'(far), 64'd1);
    check("no duplicates while refused", 64'(duplicates[0]), 64'd0);

    begin_test("end of session, unknown kind, wrong length, filtered");
    start(48'd1);
    packet_begin(1'b0, 48'd1);
    unknown[0] = 1'b1;
    message(1'b0, 48'd1);
    unknown[0] = 1'b0;
    badlen[0] = 1'b1;
    message(1'b0, 48'd2);
    badlen[0] = 1'b0;
    pass[0] = 1'b0;
    message(1'b0, 48'd3);
    pass[0] = 1'b1;
    message(1'b0, 48'd4);
    packet_end(1'b0, 1'b1, 1'b0);
    packet_begin(1'b1, 48'd5);
    packet_end(1'b1, 1'b1, 1'b1);
    wait_cycles(8);
    expect_message(48'd4, 1'b0, 1'b0);
    expect_control(8'h08, 48'd5, 48'd0, 48'd0);
    expect_all_seen();
    check("unknown", 64'(bad_kind), 64'd1);
    check("wrong length", 64'(bad_length), 64'd1);
    check("filtered", 64'(filtered), 64'd1);
    check("of a kind", 64'(known), 64'd2);
    check("messages", 64'(messages[0]), 64'd4);

    begin_test("both lines at once, a message each cycle");
    start(48'd1);
    begin_valid = 2'b11;
    seq[0] = 48'd1;
    seq[1] = 48'd1;
    quiet();
    wait_cycles(1);
    for (i = 1; i <= 40; i++) begin
      tail = head;
      msg_valid = 2'b11;
      seq[0] = 48'(i);
      seq[1] = 48'(i);
      quiet();
    end
    end_valid = 2'b11;
    end_good = 2'b11;
    end_session = 2'b00;
    quiet();
    for (i = 0; i < 20; i++) begin
      tail = head;
      wait_cycles(2);
    end
    for (i = 1; i <= 40; i++) expect_message(48'(i), !log[i-1][448], 1'b0);
    expect_all_seen();
    check("all counted", 64'(messages[0] + messages[1]), 64'd40);
    check("once more", 64'(duplicates[0] + duplicates[1]), 64'd40);
    check("nothing lost in a queue", 64'(queue_drops), 64'd0);

    begin_test("a queue that overflows keeps BEGIN and END");
    start(48'd1);
    packet_begin(1'b0, 48'd1);
    packet_begin(1'b1, 48'd500);
    for (i = 0; i < 60; i++) begin
      tail = head;
      msg_valid = 2'b11;
      seq[0] = 48'd1 + 48'(i);
      seq[1] = 48'd500 + 48'(i);
      quiet();
    end
    end_valid = 2'b11;
    end_good = 2'b11;
    quiet();
    begin_valid = 2'b11;
    seq[0] = 48'd2000;
    seq[1] = 48'd2000;
    quiet();
    end_valid = 2'b11;
    quiet();
    for (i = 0; i < 100; i++) begin
      tail = head;
      wait_cycles(2);
    end
    check("ignored and taken", 64'(queue_drops + messages[0] + messages[1]), 64'd120);
    check("some were ignored", {63'd0, queue_drops > 0}, 64'd1);
    check("gaps, the last of which both lines see", 64'(gaps), 64'd2);
    check("queues run empty", {62'd0, is_begin | is_message | is_end}, 64'd0);

    begin_test("ring full, then the queue, then a range of what was dropped");
    start(48'd1);
    packet(1'b0, 48'd1, 16 + 32 + 5, 1'b1);
    packet_begin(1'b1, 48'd60);
    wait_cycles(8);
    check("written", 64'(written), 64'd16);
    check("dropped", 64'(drops), 64'd6);
    check("for want of room", 64'(ring_full), 64'd6);
    check("no room", {63'd0, room}, 64'd0);
    // One place: the announcement takes the queue's free place, and the next is dropped again.
    tail = 32'd1;
    wait_cycles(8);
    message(1'b1, 48'd60);
    check("dropped again", 64'(drops), 64'd7);
    tail = 32'd17;
    wait_cycles(40);
    tail = 32'd33;
    wait_cycles(40);
    tail = 32'd49;
    wait_cycles(40);
    for (i = 1; i <= 48; i++) expect_message(48'(i), 1'b0, 1'b0);
    expect_control(8'h01, 48'd49, 48'd11, 48'd0);
    expect_control(8'h01, 48'd60, 48'd1, 48'd0);
    expect_all_seen();
    message(1'b1, 48'd61);
    wait_cycles(4);
    expect_message(48'd61, 1'b1, 1'b0);
    expect_all_seen();

    begin_test("the bus holds back");
    start(48'd1);
    wr_ready = 1'b0;
    packet(1'b0, 48'd1, 6, 1'b1);
    check("nothing taken", 64'(written), 64'd0);
    check("HEAD waits", {32'd0, head}, 64'd0);
    wr_ready = 1'b1;
    wait_cycles(10);
    for (i = 1; i <= 6; i++) expect_message(48'(i), 1'b0, 1'b0);
    expect_all_seen();

    if (errors == 0) $display("line_merge_tb: passed");
    else $fatal(1, "line_merge_tb: %0d errors", errors);
    $finish;
  end

endmodule

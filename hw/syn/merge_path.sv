// The card behind its lines: two queues, the merge, the queue of records and the ring, as feed_top
// connects them. For the frequency estimate alone: the whole card does not say which half is slow.
module merge_path (
  input  logic              clk_i,
  input  logic              rst_i,
  input  logic [31:0]       cycle_i,
  input  logic [47:0]       cfg_next_seq_i,
  input  logic [7:0]        cfg_venue_i,
  input  logic [63:6]       cfg_base_i,
  input  logic [4:0]        cfg_log2_i,
  input  logic [31:0]       cfg_tail_i,
  input  logic [1:0]        begin_valid_i,
  input  logic [1:0][47:0]  begin_seq_i,
  input  logic [1:0]        msg_valid_i,
  input  logic [1:0][47:0]  msg_seq_i,
  input  logic [1:0]        msg_unknown_i,
  input  logic [1:0]        msg_badlen_i,
  input  logic [1:0][4:0]   msg_kind_i,
  input  logic [1:0]        msg_pass_i,
  input  logic [1:0][511:0] msg_record_i,
  input  logic [1:0][15:0]  msg_cycle_i,
  input  logic [1:0]        end_valid_i,
  input  logic [1:0]        end_good_i,
  input  logic [1:0]        end_session_i,
  input  logic [1:0][47:0]  ticks_i,
  output logic [1:0]        queue_drop_o,
  output logic [12:0]       count_o,
  output logic [4:0]        kind_o,
  output logic              wr_valid_o,
  input  logic              wr_ready_i,
  output logic [63:0]       wr_addr_o,
  output logic [511:0]      wr_data_o,
  output logic [31:0]       head_o,
  output logic [31:0]       latency_min_o,
  output logic [31:0]       latency_max_o
);

  logic [1:0]        is_begin, is_message, is_end, good, session, unknown, badlen, pass, urgent;
  logic [1:0]        take;
  logic [1:0][4:0]   kind;
  logic [1:0][15:0]  stamp;
  logic [1:0][511:0] line_record;

  for (genvar l = 0; l < 2; l++) begin : gen_line
    line_queue u_queue (
      .clk_i,
      .rst_i,
      .begin_valid_i(begin_valid_i[l]),
      .begin_seq_i(begin_seq_i[l]),
      .msg_valid_i(msg_valid_i[l]),
      .msg_seq_i(msg_seq_i[l]),
      .msg_unknown_i(msg_unknown_i[l]),
      .msg_badlen_i(msg_badlen_i[l]),
      .msg_kind_i(msg_kind_i[l]),
      .msg_pass_i(msg_pass_i[l]),
      .msg_record_i(msg_record_i[l]),
      .msg_cycle_i(msg_cycle_i[l]),
      .end_valid_i(end_valid_i[l]),
      .end_good_i(end_good_i[l]),
      .end_session_i(end_session_i[l]),
      .ticks_i(ticks_i[l]),
      .is_begin_o(is_begin[l]),
      .is_message_o(is_message[l]),
      .is_end_o(is_end[l]),
      .good_o(good[l]),
      .session_o(session[l]),
      .unknown_o(unknown[l]),
      .badlen_o(badlen[l]),
      .pass_o(pass[l]),
      .kind_o(kind[l]),
      .cycle_o(stamp[l]),
      .record_o(line_record[l]),
      .urgent_o(urgent[l]),
      .take_i(take[l]),
      .drop_o(queue_drop_o[l])
    );
  end

  logic         merged_valid, merged_is_message, waiting_valid, waiting_is_message;
  logic         waiting_ready, ring_room, count_record, count_drop, count_ring_full;
  logic [511:0] merged, waiting;
  logic [47:0]  merged_first, merged_end;
  logic [31:0]  merged_cycle, waiting_cycle;
  logic [1:0]   message, duplicate;
  logic         gap, closed, retract, far, bad_kind, bad_length, filtered, kind_valid;

  line_merge u_merge (
    .clk_i,
    .rst_i,
    .cycle_i,
    .cfg_next_seq_i,
    .cfg_venue_i,
    .is_begin_i(is_begin),
    .is_message_i(is_message),
    .is_end_i(is_end),
    .good_i(good),
    .session_i(session),
    .unknown_i(unknown),
    .badlen_i(badlen),
    .pass_i(pass),
    .kind_i(kind),
    .msg_cycle_i(stamp),
    .record_i(line_record),
    .urgent_i(urgent),
    .take_o(take),
    .record_valid_o(merged_valid),
    .record_o(merged),
    .record_first_o(merged_first),
    .record_end_o(merged_end),
    .record_is_message_o(merged_is_message),
    .record_cycle_o(merged_cycle),
    .cnt_gap_o(gap),
    .cnt_gap_closed_o(closed),
    .cnt_retract_o(retract),
    .cnt_far_ahead_o(far),
    .cnt_malformed_kind_o(bad_kind),
    .cnt_malformed_length_o(bad_length),
    .cnt_filtered_o(filtered),
    .cnt_kind_valid_o(kind_valid),
    .cnt_kind_o(kind_o),
    .cnt_message_o(message),
    .cnt_duplicate_o(duplicate)
  );

  record_fifo u_fifo (
    .clk_i,
    .rst_i,
    .cfg_venue_i,
    .ring_room_i(ring_room),
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
    .cnt_drop_o(count_drop),
    .cnt_ring_full_o(count_ring_full)
  );

  ring_writer u_writer (
    .clk_i,
    .rst_i,
    .clear_i(rst_i),
    .cycle_i,
    .cfg_base_i,
    .cfg_log2_i,
    .cfg_tail_i,
    .valid_i(waiting_valid),
    .record_i(waiting),
    .is_message_i(waiting_is_message),
    .record_cycle_i(waiting_cycle),
    .ready_o(waiting_ready),
    .room_o(ring_room),
    .wr_valid_o,
    .wr_ready_i,
    .wr_addr_o,
    .wr_data_o,
    .head_o,
    .cnt_record_o(count_record),
    .latency_min_o,
    .latency_max_o
  );

  assign count_o = {
    message, duplicate, gap, closed, retract, far, bad_kind, bad_length, filtered, kind_valid,
    count_record ^ count_drop ^ count_ring_full
  };

endmodule

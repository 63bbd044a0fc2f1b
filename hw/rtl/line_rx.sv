// One line: frames in, events of packets out: BEGIN, MESSAGE, END, at most one a cycle.
//
// Latency, in cycles after a beat was put in: MESSAGE in the third after the one with its last
// byte, BEGIN in the second after the one with the packet's count, END and the frame's class in the
// eighth after the last one. Any message's last byte comes a beat or more behind the count, and the
// next frame's count seven beats behind the last one, so that the three never meet.
//
// Back-pressure: none. A beat a cycle is taken, whatever lies behind; the outputs are not held.
module line_rx (
  input  logic         clk_i,
  input  logic         rst_i,
  input  logic         enable_i,              // low: all is cleared, and frames are ignored

  input  logic [63:0]  s_axis_tdata_i,        // byte n at [8n +: 8]
  input  logic [7:0]   s_axis_tkeep_i,
  input  logic         s_axis_tvalid_i,
  input  logic         s_axis_tlast_i,
  input  logic         s_axis_tuser_i,        // with tlast: bad frame check sequence
  input  logic [47:0]  s_ticks_i,             // with the first beat

  // Configuration, steady while enabled.
  input  logic [31:0]  address_i,             // zero: the line is off
  input  logic [15:0]  port_i,
  input  logic [79:0]  session_i,             // byte n at [8n +: 8]
  input  logic [7:0]   venue_i,
  input  logic         pass_all_i,
  input  logic         filter_we_i,
  input  logic [10:0]  filter_addr_i,
  input  logic [31:0]  filter_data_i,
  input  logic [15:0]  cycle_i,               // a free-running counter

  output logic         begin_valid_o,
  output logic [47:0]  begin_seq_o,           // kept until the packet's END
  output logic         msg_valid_o,
  output logic [47:0]  msg_seq_o,
  output logic         msg_known_o,           // kind and length right
  output logic         msg_unknown_o,         // not a kind of ITCH 5.0
  output logic         msg_badlen_o,          // of a kind, but not its length
  output logic [4:0]   msg_kind_o,            // in the order of the kinds' counters
  output logic         msg_pass_o,
  output logic [511:0] msg_record_o,          // an event_record_t
  output logic [15:0]  msg_cycle_o,           // cycle_i with the beat of its last byte
  output logic         end_valid_o,
  output logic         end_good_o,
  output logic         end_session_o,
  output logic [47:0]  ticks_o,               // of the frame, from BEGIN to END

  output logic         cnt_frame_o,
  output logic         cnt_bad_fcs_o,
  output logic         cnt_other_o,
  output logic         cnt_malformed_o,
  output logic         cnt_other_session_o,
  output logic         cnt_truncated_o,
  output logic         cnt_packet_o,
  output logic         cnt_heartbeat_o,
  output logic         seen_valid_o,          // another session was heard
  output logic [79:0]  seen_session_o
);

  // A frame that is under way when the line is switched on is ignored to its end.
  logic address_set_q, under_way_q, ignore_q, off, under_way, taken;
  assign off = rst_i || !enable_i || !address_set_q;
  assign under_way = s_axis_tvalid_i ? !s_axis_tlast_i : under_way_q;
  assign taken = s_axis_tvalid_i && !ignore_q;

  always_ff @(posedge clk_i) begin
    address_set_q <= address_i != 32'd0;
    under_way_q   <= under_way && !rst_i;
    ignore_q      <= (off || ignore_q) && under_way && !rst_i;
  end

  logic             blk_valid, blk_first, blk_last, blk_odd, blk_more, blk_one_left;
  logic [63:0]      blk_data;
  logic [7:0]       blk_keep, blk_one, blk_two, blk_bad, blk_short;
  logic [7:0][15:0] blk_len;
  logic [7:0][15:0] blk_next;
  logic [15:0]      blk_count, blk_bytes;
  logic             blocks_open, blocks_short, blocks_exact, seq_valid, live;
  logic [47:0]      seq;

  frame_rx u_frame (
    .clk_i,
    .rst_i(off),
    .tdata_i(s_axis_tdata_i),
    .tkeep_i(s_axis_tkeep_i),
    .tvalid_i(taken),
    .tlast_i(s_axis_tlast_i),
    .tuser_i(s_axis_tuser_i),
    .ticks_i(s_ticks_i),
    .address_i,
    .port_i,
    .session_i,
    .blk_valid_o(blk_valid),
    .blk_first_o(blk_first),
    .blk_last_o(blk_last),
    .blk_data_o(blk_data),
    .blk_keep_o(blk_keep),
    .blk_odd_o(blk_odd),
    .blk_len_o(blk_len),
    .blk_next_o(blk_next),
    .blk_one_o(blk_one),
    .blk_two_o(blk_two),
    .blk_bad_o(blk_bad),
    .blk_short_o(blk_short),
    .blk_count_o(blk_count),
    .blk_more_o(blk_more),
    .blk_one_left_o(blk_one_left),
    .blk_bytes_o(blk_bytes),
    .open_i(blocks_open),
    .short_i(blocks_short),
    .exact_i(blocks_exact),
    .seq_valid_o(seq_valid),
    .seq_o(seq),
    .ticks_o,
    .live_o(live),
    .begin_valid_o,
    .end_valid_o,
    .end_good_o,
    .end_session_o,
    .cnt_frame_o,
    .cnt_bad_fcs_o,
    .cnt_other_o,
    .cnt_malformed_o,
    .cnt_other_session_o,
    .cnt_truncated_o,
    .cnt_packet_o,
    .cnt_heartbeat_o,
    .seen_session_o
  );

  assign begin_seq_o = seq;
  assign seen_valid_o = cnt_other_session_o;

  logic         msg_valid;
  logic [399:0] msg_body;
  logic [47:0]  msg_seq;
  logic [7:0]   kind;
  logic [15:0]  length, locate;

  itch_framer u_framer (
    .clk_i,
    .rst_i(off),
    .blk_valid_i(blk_valid),
    .blk_first_i(blk_first),
    .blk_last_i(blk_last),
    .blk_data_i(blk_data),
    .blk_keep_i(blk_keep),
    .blk_odd_i(blk_odd),
    .blk_len_i(blk_len),
    .blk_next_i(blk_next),
    .blk_one_i(blk_one),
    .blk_two_i(blk_two),
    .blk_bad_i(blk_bad),
    .blk_short_i(blk_short),
    .blk_count_i(blk_count),
    .blk_more_i(blk_more),
    .blk_one_left_i(blk_one_left),
    .blk_bytes_i(blk_bytes),
    .seq_valid_i(seq_valid),
    .seq_i(seq),
    .msg_valid_o(msg_valid),
    .msg_body_o(msg_body),
    .msg_seq_o(msg_seq),
    .kind_o(kind),
    .length_o(length),
    .locate_o(locate),
    .open_o(blocks_open),
    .short_o(blocks_short),
    .exact_o(blocks_exact)
  );

  logic hit;

  locate_filter u_filter (
    .clk_i,
    .we_i(filter_we_i),
    .waddr_i(filter_addr_i),
    .wdata_i(filter_data_i),
    .locate_i(locate),
    .hit_o(hit)
  );

  itch_norm u_norm (
    .clk_i,
    .rst_i(off),
    .venue_i,
    .pass_all_i,
    .cycle_i,
    .kind_i(kind),
    .length_i(length),
    .msg_valid_i(msg_valid),
    .msg_body_i(msg_body),
    .msg_seq_i(msg_seq),
    .hit_i(hit),
    .live_i(live),
    .ticks_i(ticks_o),
    .msg_valid_o,
    .msg_seq_o,
    .msg_known_o,
    .msg_unknown_o,
    .msg_badlen_o,
    .msg_kind_o,
    .msg_pass_o,
    .msg_record_o,
    .msg_cycle_o
  );

endmodule

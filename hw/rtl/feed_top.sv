// The feed card behind its MACs and in front of its PCIe DMA: two lines in, records out.
//
// Latency of a message, in cycles after the beat with its last byte: 3 to the record, 4 to the
// merge's output, 5 to the ring-write port, if nothing waits.
// Back-pressure: the lines are never told to wait. The ring-write port is, by m_wr_ready_i; its
// address and data stay until they are taken. A stop clears all but that port and the registers.
module feed_top #(
  parameter logic [31:0] TicksPerSecond = 32'd156_250_000  // rate of device_time_i and s_ticks_i
) (
  input  logic             clk_i,
  input  logic             rst_i,

  input  logic [15:0]      s_axil_awaddr_i,
  input  logic             s_axil_awvalid_i,
  output logic             s_axil_awready_o,
  input  logic [31:0]      s_axil_wdata_i,
  input  logic [3:0]       s_axil_wstrb_i,
  input  logic             s_axil_wvalid_i,
  output logic             s_axil_wready_o,
  output logic [1:0]       s_axil_bresp_o,
  output logic             s_axil_bvalid_o,
  input  logic             s_axil_bready_i,
  input  logic [15:0]      s_axil_araddr_i,
  input  logic             s_axil_arvalid_i,
  output logic             s_axil_arready_o,
  output logic [31:0]      s_axil_rdata_o,
  output logic [1:0]       s_axil_rresp_o,
  output logic             s_axil_rvalid_o,
  input  logic             s_axil_rready_i,

  // Lines A and B.
  input  logic [1:0][63:0] s_axis_tdata_i,   // byte n at [8n +: 8]
  input  logic [1:0][7:0]  s_axis_tkeep_i,
  input  logic [1:0]       s_axis_tvalid_i,
  input  logic [1:0]       s_axis_tlast_i,
  input  logic [1:0]       s_axis_tuser_i,   // with tlast: bad frame check sequence
  input  logic [1:0][47:0] s_ticks_i,        // with a frame's first beat
  input  logic [47:0]      device_time_i,

  output logic             m_wr_valid_o,
  input  logic             m_wr_ready_i,
  output logic [63:0]      m_wr_addr_o,
  output logic [511:0]     m_wr_data_o,

  output logic [1:0]       probe_record_o    // the register with a message's record is valid
);

  localparam int NumKinds = tercel_pkg::NumCounters - tercel_pkg::CntKindSystemEvent;

  logic run, clear;
  logic [47:0] cfg_next_seq;
  logic [7:0] cfg_venue;
  logic cfg_pass_all;
  logic [63:6] cfg_ring_base;
  logic [4:0] cfg_ring_log2;
  logic [31:0] cfg_tail;
  logic [1:0][31:0] cfg_address;
  logic [1:0][15:0] cfg_port;
  logic [1:0][79:0] cfg_session;
  logic filter_we;
  logic [10:0] filter_addr;
  logic [31:0] filter_data;

  logic [1:0] seen_valid;
  logic [1:0][79:0] seen_session;
  logic [tercel_pkg::NumCounters-1:0] count;
  logic [1:0][tercel_pkg::NumLineCounters-1:0] line_count;

  logic [31:0] cycle_q;
  always_ff @(posedge clk_i) begin
    cycle_q <= cycle_q + 32'd1;
    if (rst_i) cycle_q <= '0;
  end
  assign clear = rst_i || !run;

  //
  // The lines and their queues.
  //

  logic [1:0] is_begin, is_message, is_end, good, session, unknown, badlen, pass, urgent, take;
  logic [1:0][4:0] kind;
  logic [1:0][15:0] msg_cycle;
  logic [1:0][511:0] line_record;
  logic [1:0] cnt_message, cnt_duplicate;
  logic [1:0] unused_known;  // what is neither unknown nor of a wrong length

  for (genvar l = 0; l < 2; l++) begin : gen_line
    logic begin_valid, msg_valid, msg_unknown, msg_badlen, msg_pass;
    logic end_valid, end_good, end_session;
    logic [47:0] begin_seq, msg_seq, ticks;
    logic [4:0] msg_kind;
    logic [15:0] stamp;
    logic [511:0] msg_record;

    line_rx u_rx (
      .clk_i,
      .rst_i,
      .enable_i(run),
      .s_axis_tdata_i(s_axis_tdata_i[l]),
      .s_axis_tkeep_i(s_axis_tkeep_i[l]),
      .s_axis_tvalid_i(s_axis_tvalid_i[l]),
      .s_axis_tlast_i(s_axis_tlast_i[l]),
      .s_axis_tuser_i(s_axis_tuser_i[l]),
      .s_ticks_i(s_ticks_i[l]),
      .address_i(cfg_address[l]),
      .port_i(cfg_port[l]),
      .session_i(cfg_session[l]),
      .venue_i(cfg_venue),
      .pass_all_i(cfg_pass_all),
      .filter_we_i(filter_we),
      .filter_addr_i(filter_addr),
      .filter_data_i(filter_data),
      .cycle_i(cycle_q[15:0]),
      .begin_valid_o(begin_valid),
      .begin_seq_o(begin_seq),
      .msg_valid_o(msg_valid),
      .msg_seq_o(msg_seq),
      .msg_known_o(unused_known[l]),
      .msg_unknown_o(msg_unknown),
      .msg_badlen_o(msg_badlen),
      .msg_kind_o(msg_kind),
      .msg_pass_o(msg_pass),
      .msg_record_o(msg_record),
      .msg_cycle_o(stamp),
      .end_valid_o(end_valid),
      .end_good_o(end_good),
      .end_session_o(end_session),
      .ticks_o(ticks),
      .cnt_frame_o(line_count[l][tercel_pkg::LineCntFrames]),
      .cnt_bad_fcs_o(line_count[l][tercel_pkg::LineCntBadFcs]),
      .cnt_other_o(line_count[l][tercel_pkg::LineCntOther]),
      .cnt_malformed_o(line_count[l][tercel_pkg::LineCntMalformed]),
      .cnt_other_session_o(line_count[l][tercel_pkg::LineCntOtherSession]),
      .cnt_truncated_o(line_count[l][tercel_pkg::LineCntTruncated]),
      .cnt_packet_o(line_count[l][tercel_pkg::LineCntPackets]),
      .cnt_heartbeat_o(line_count[l][tercel_pkg::LineCntHeartbeats]),
      .seen_valid_o(seen_valid[l]),
      .seen_session_o(seen_session[l])
    );

    line_queue u_queue (
      .clk_i,
      .rst_i(clear),
      .begin_valid_i(begin_valid),
      .begin_seq_i(begin_seq),
      .msg_valid_i(msg_valid),
      .msg_seq_i(msg_seq),
      .msg_unknown_i(msg_unknown),
      .msg_badlen_i(msg_badlen),
      .msg_kind_i(msg_kind),
      .msg_pass_i(msg_pass),
      .msg_record_i(msg_record),
      .msg_cycle_i(stamp),
      .end_valid_i(end_valid),
      .end_good_i(end_good),
      .end_session_i(end_session),
      .ticks_i(ticks),
      .is_begin_o(is_begin[l]),
      .is_message_o(is_message[l]),
      .is_end_o(is_end[l]),
      .good_o(good[l]),
      .session_o(session[l]),
      .unknown_o(unknown[l]),
      .badlen_o(badlen[l]),
      .pass_o(pass[l]),
      .kind_o(kind[l]),
      .cycle_o(msg_cycle[l]),
      .record_o(line_record[l]),
      .urgent_o(urgent[l]),
      .take_i(take[l]),
      .drop_o(line_count[l][tercel_pkg::LineCntQueueDrops])
    );

    assign probe_record_o[l] = msg_valid;
    assign line_count[l][tercel_pkg::LineCntMessages] = cnt_message[l];
    assign line_count[l][tercel_pkg::LineCntDuplicates] = cnt_duplicate[l];
  end

  //
  // The merge, the queue of records, the ring.
  //

  logic merged_valid, merged_is_message, kind_valid;
  logic [511:0] merged;
  logic [47:0] merged_first, merged_end;
  logic [31:0] merged_cycle;
  logic [4:0] kind_index;

  line_merge u_merge (
    .clk_i,
    .rst_i(clear),
    .cycle_i(cycle_q),
    .cfg_next_seq_i(cfg_next_seq),
    .cfg_venue_i(cfg_venue),
    .is_begin_i(is_begin),
    .is_message_i(is_message),
    .is_end_i(is_end),
    .good_i(good),
    .session_i(session),
    .unknown_i(unknown),
    .badlen_i(badlen),
    .pass_i(pass),
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
    .cnt_gap_o(count[tercel_pkg::CntGaps]),
    .cnt_gap_closed_o(count[tercel_pkg::CntGapsClosed]),
    .cnt_retract_o(count[tercel_pkg::CntRetracts]),
    .cnt_far_ahead_o(count[tercel_pkg::CntFarAhead]),
    .cnt_malformed_kind_o(count[tercel_pkg::CntMalformedKind]),
    .cnt_malformed_length_o(count[tercel_pkg::CntMalformedLength]),
    .cnt_filtered_o(count[tercel_pkg::CntFiltered]),
    .cnt_kind_valid_o(kind_valid),
    .cnt_kind_o(kind_index),
    .cnt_message_o(cnt_message),
    .cnt_duplicate_o(cnt_duplicate)
  );

  for (genvar k = 0; k < NumKinds; k++) begin : gen_kind
    assign count[tercel_pkg::CntKindSystemEvent + k] = kind_valid && kind_index == 5'(k);
  end
  assign count[tercel_pkg::CntLatencyMin] = 1'b0;
  assign count[tercel_pkg::CntLatencyMax] = 1'b0;

  logic waiting_valid, waiting_is_message, waiting_ready, ring_room;
  logic [511:0] waiting;
  logic [31:0] waiting_cycle, head, latency_min, latency_max;

  record_fifo u_fifo (
    .clk_i,
    .rst_i(clear),
    .cfg_venue_i(cfg_venue),
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
    .cnt_drop_o(count[tercel_pkg::CntDrops]),
    .cnt_ring_full_o(count[tercel_pkg::CntRingFull])
  );

  ring_writer u_writer (
    .clk_i,
    .rst_i,
    .clear_i(clear),
    .cycle_i(cycle_q),
    .cfg_base_i(cfg_ring_base),
    .cfg_log2_i(cfg_ring_log2),
    .cfg_tail_i(cfg_tail),
    .valid_i(waiting_valid),
    .record_i(waiting),
    .is_message_i(waiting_is_message),
    .record_cycle_i(waiting_cycle),
    .ready_o(waiting_ready),
    .room_o(ring_room),
    .wr_valid_o(m_wr_valid_o),
    .wr_ready_i(m_wr_ready_i),
    .wr_addr_o(m_wr_addr_o),
    .wr_data_o(m_wr_data_o),
    .head_o(head),
    .cnt_record_o(count[tercel_pkg::CntRecords]),
    .latency_min_o(latency_min),
    .latency_max_o(latency_max)
  );

  csr #(
    .TicksPerSecond(TicksPerSecond)
  ) u_csr (
    .clk_i,
    .rst_i,
    .s_axil_awaddr_i,
    .s_axil_awvalid_i,
    .s_axil_awready_o,
    .s_axil_wdata_i,
    .s_axil_wstrb_i,
    .s_axil_wvalid_i,
    .s_axil_wready_o,
    .s_axil_bresp_o,
    .s_axil_bvalid_o,
    .s_axil_bready_i,
    .s_axil_araddr_i,
    .s_axil_arvalid_i,
    .s_axil_arready_o,
    .s_axil_rdata_o,
    .s_axil_rresp_o,
    .s_axil_rvalid_o,
    .s_axil_rready_i,
    .device_time_i,
    .run_o(run),
    .cfg_next_seq_o(cfg_next_seq),
    .cfg_venue_o(cfg_venue),
    .cfg_pass_all_o(cfg_pass_all),
    .cfg_ring_base_o(cfg_ring_base),
    .cfg_ring_log2_o(cfg_ring_log2),
    .cfg_tail_o(cfg_tail),
    .cfg_address_o(cfg_address),
    .cfg_port_o(cfg_port),
    .cfg_session_o(cfg_session),
    .filter_we_o(filter_we),
    .filter_addr_o(filter_addr),
    .filter_data_o(filter_data),
    .port_idle_i(!m_wr_valid_o),
    .head_i(head),
    .seen_valid_i(seen_valid),
    .seen_session_i(seen_session),
    .count_i(count),
    .line_count_i(line_count),
    .latency_min_i(latency_min),
    .latency_max_i(latency_max)
  );

endmodule

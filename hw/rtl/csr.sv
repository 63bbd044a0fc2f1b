// The register file: an AXI4-Lite slave, the generations, the counters and what SNAPSHOT shows of
// them. REGISTERS.md says what each register is for.
//
// Writes of less than a word, and of registers that cannot be written, are answered and ignored.
// Reads of what is not there give zero.
//
// Latency: a read takes four cycles from its address to its data. A write is answered once it has
// had its effect, but not later than StopCycles behind it: one of CONTROL takes as long as frames
// of the generation before need to leave the lines, and STATUS shows the new one only when the bus
// has taken the last write of the old one.
// Back-pressure: one read and one write at a time.
module csr #(
  parameter logic [31:0] TicksPerSecond = 32'd156_250_000
) (
  input  logic              clk_i,
  input  logic              rst_i,

  input  logic [15:0]       s_axil_awaddr_i,
  input  logic              s_axil_awvalid_i,
  output logic              s_axil_awready_o,
  input  logic [31:0]       s_axil_wdata_i,
  input  logic [3:0]        s_axil_wstrb_i,
  input  logic              s_axil_wvalid_i,
  output logic              s_axil_wready_o,
  output logic [1:0]        s_axil_bresp_o,
  output logic              s_axil_bvalid_o,
  input  logic              s_axil_bready_i,
  input  logic [15:0]       s_axil_araddr_i,
  input  logic              s_axil_arvalid_i,
  output logic              s_axil_arready_o,
  output logic [31:0]       s_axil_rdata_o,
  output logic [1:0]        s_axil_rresp_o,
  output logic              s_axil_rvalid_o,
  input  logic              s_axil_rready_i,

  input  logic [47:0]       device_time_i,

  // Configuration, steady while run_o is set.
  output logic              run_o,
  output logic [47:0]       cfg_next_seq_o,
  output logic [7:0]        cfg_venue_o,
  output logic              cfg_pass_all_o,
  output logic [63:6]       cfg_ring_base_o,
  output logic [4:0]        cfg_ring_log2_o,
  output logic [31:0]       cfg_tail_o,
  output logic [1:0][31:0]  cfg_address_o,
  output logic [1:0][15:0]  cfg_port_o,
  output logic [1:0][79:0]  cfg_session_o,
  output logic              filter_we_o,
  output logic [10:0]       filter_addr_o,
  output logic [31:0]       filter_data_o,

  input  logic              port_idle_i,   // no write waits for the bus
  input  logic [31:0]       head_i,
  input  logic [1:0]        seen_valid_i,
  input  logic [1:0][79:0]  seen_session_i,
  // A pulse a count, but for the two latencies, which come as values.
  input  logic [tercel_pkg::NumCounters-1:0]          count_i,
  input  logic [1:0][tercel_pkg::NumLineCounters-1:0] line_count_i,
  input  logic [31:0]       latency_min_i,
  input  logic [31:0]       latency_max_i
);

  localparam int NumCounters = tercel_pkg::NumCounters;
  localparam int NumLineCounters = tercel_pkg::NumLineCounters;
  // More than the longest way through line_rx and the queues.
  localparam logic [4:0] StopCycles = 5'd31;
  localparam logic [31:0] RingLog2Min = 32'd4;
  localparam logic [31:0] RingLog2Max = 32'd20;

  // Registers that can be written, by their place in regs_q; those of the lines follow.
  localparam int IxControl = 0;
  localparam int IxSnapshot = 1;
  localparam int IxTail = 2;
  localparam int IxRingLog2 = 3;
  localparam int IxRingBaseLo = 4;
  localparam int IxRingBaseHi = 5;
  localparam int IxNextSeqLo = 6;
  localparam int IxNextSeqHi = 7;
  localparam int IxVenue = 8;
  localparam int IxPassAll = 9;
  localparam int IxLine = 10;
  localparam int NumOfLine = 5;
  localparam int NumRegs = IxLine + 2 * NumOfLine;
  localparam logic [4:0] IxNone = 5'd31;

  // The first register of a line.
  localparam logic [15:0] Line0 = tercel_pkg::LineOffset;
  localparam logic [15:0] Line1 = tercel_pkg::LineOffset + tercel_pkg::LineStride;
  localparam logic [15:0] Count0 = tercel_pkg::LineCounterOffset;
  localparam logic [15:0] Count1 = tercel_pkg::LineCounterOffset + tercel_pkg::LineCounterStride;

  function automatic logic [4:0] index_of(input logic [15:0] address);
    case (address)
      tercel_pkg::RegControl: index_of = 5'(IxControl);
      tercel_pkg::RegSnapshot: index_of = 5'(IxSnapshot);
      tercel_pkg::RegTail: index_of = 5'(IxTail);
      tercel_pkg::RegRingLog2: index_of = 5'(IxRingLog2);
      tercel_pkg::RegRingBaseLo: index_of = 5'(IxRingBaseLo);
      tercel_pkg::RegRingBaseHi: index_of = 5'(IxRingBaseHi);
      tercel_pkg::RegNextSeqLo: index_of = 5'(IxNextSeqLo);
      tercel_pkg::RegNextSeqHi: index_of = 5'(IxNextSeqHi);
      tercel_pkg::RegVenue: index_of = 5'(IxVenue);
      tercel_pkg::RegPassAll: index_of = 5'(IxPassAll);
      Line0 + tercel_pkg::LineRegAddress: index_of = 5'(IxLine);
      Line0 + tercel_pkg::LineRegPort: index_of = 5'(IxLine + 1);
      Line0 + tercel_pkg::LineRegSession0: index_of = 5'(IxLine + 2);
      Line0 + tercel_pkg::LineRegSession1: index_of = 5'(IxLine + 3);
      Line0 + tercel_pkg::LineRegSession2: index_of = 5'(IxLine + 4);
      Line1 + tercel_pkg::LineRegAddress: index_of = 5'(IxLine + NumOfLine);
      Line1 + tercel_pkg::LineRegPort: index_of = 5'(IxLine + NumOfLine + 1);
      Line1 + tercel_pkg::LineRegSession0: index_of = 5'(IxLine + NumOfLine + 2);
      Line1 + tercel_pkg::LineRegSession1: index_of = 5'(IxLine + NumOfLine + 3);
      Line1 + tercel_pkg::LineRegSession2: index_of = 5'(IxLine + NumOfLine + 4);
      default: index_of = IxNone;
    endcase
  endfunction

  logic [NumRegs-1:0][31:0] regs_q;
  logic [31:0] status_q, snapshot_done_q;
  logic [1:0][79:0] seen_q;

  assign cfg_next_seq_o = {regs_q[IxNextSeqHi][15:0], regs_q[IxNextSeqLo]};
  assign cfg_venue_o = regs_q[IxVenue][7:0];
  assign cfg_pass_all_o = regs_q[IxPassAll][0];
  assign cfg_ring_base_o = {regs_q[IxRingBaseHi], regs_q[IxRingBaseLo][31:6]};
  assign cfg_ring_log2_o = regs_q[IxRingLog2][4:0];
  assign cfg_tail_o = regs_q[IxTail];
  for (genvar l = 0; l < 2; l++) begin : gen_line
    localparam int First = IxLine + l * NumOfLine;
    assign cfg_address_o[l] = regs_q[First];
    assign cfg_port_o[l] = regs_q[First+1][15:0];
    assign cfg_session_o[l] = {regs_q[First+4][15:0], regs_q[First+3], regs_q[First+2]};
  end

  //
  // Writes.
  //

  logic aw_full_q, w_full_q, whole_q, write_q, answer_q, filter_hit_q;
  logic [15:0] aw_addr_q;
  logic [31:0] w_data_q;
  logic [4:0] write_index_q;
  logic write_reg, restart, snapshot;
  logic stopping_q;
  logic [4:0] stop_left_q;

  assign s_axil_awready_o = !aw_full_q;
  assign s_axil_wready_o = !w_full_q;
  assign s_axil_bresp_o = 2'b00;

  assign write_reg = write_q && write_index_q != IxNone;
  assign restart = write_reg && write_index_q == 5'(IxControl) && w_data_q != regs_q[IxControl];
  assign snapshot = write_reg && write_index_q == 5'(IxSnapshot) && w_data_q != regs_q[IxSnapshot];

  localparam logic [15:0] FilterEnd =
      tercel_pkg::FilterOffset + 16'(4 * tercel_pkg::FilterWords);

  always_ff @(posedge clk_i) begin
    write_q <= 1'b0;
    filter_we_o <= 1'b0;
    if (s_axil_awvalid_i && s_axil_awready_o) begin
      aw_full_q <= 1'b1;
      aw_addr_q <= s_axil_awaddr_i;
    end
    if (s_axil_wvalid_i && s_axil_wready_o) begin
      w_full_q <= 1'b1;
      w_data_q <= s_axil_wdata_i;
      whole_q <= s_axil_wstrb_i == 4'hf;
    end
    // Decode, do, answer; the two buffers stay full till the answer has been taken.
    write_index_q <= index_of(aw_addr_q);
    filter_hit_q <= aw_addr_q >= tercel_pkg::FilterOffset && aw_addr_q < FilterEnd
        && aw_addr_q[1:0] == 2'b00;
    if (aw_full_q && w_full_q && !answer_q) begin
      answer_q <= 1'b1;
      write_q <= whole_q;
    end
    filter_we_o <= write_q && filter_hit_q;
    filter_addr_o <= aw_addr_q[12:2] - tercel_pkg::FilterOffset[12:2];
    filter_data_o <= w_data_q;
    if (answer_q && !write_q && stop_left_q == '0) s_axil_bvalid_o <= 1'b1;
    if (s_axil_bvalid_o && s_axil_bready_i) begin
      s_axil_bvalid_o <= 1'b0;
      answer_q <= 1'b0;
      aw_full_q <= 1'b0;
      w_full_q <= 1'b0;
    end
    for (int i = 0; i < NumRegs; i++) begin
      if (write_reg && write_index_q == 5'(i)) regs_q[i] <= w_data_q;
    end
    if (rst_i) begin
      aw_full_q <= 1'b0;
      w_full_q <= 1'b0;
      write_q <= 1'b0;
      answer_q <= 1'b0;
      filter_we_o <= 1'b0;
      s_axil_bvalid_o <= 1'b0;
      regs_q <= '0;
    end
  end

  //
  // Generations.
  //

  logic ring_ok_q;
  // A ring has to end before the last address does.
  logic [57:0] ring_lines, lines_left;
  assign ring_lines = 58'd1 << cfg_ring_log2_o;
  assign lines_left = ~cfg_ring_base_o;

  always_ff @(posedge clk_i) begin
    ring_ok_q <= regs_q[IxRingLog2] >= RingLog2Min && regs_q[IxRingLog2] <= RingLog2Max
        && regs_q[IxRingBaseLo][5:0] == '0 && ring_lines <= lines_left;
    if (restart) begin
      run_o <= 1'b0;
      status_q <= '0;
      stopping_q <= 1'b1;
      stop_left_q <= StopCycles;
    end else if (stop_left_q != '0) begin
      stop_left_q <= stop_left_q - 5'd1;
    end else if (stopping_q && port_idle_i) begin
      stopping_q <= 1'b0;
      if (regs_q[IxControl] != '0 && ring_ok_q) begin
        run_o <= 1'b1;
        status_q <= regs_q[IxControl];
      end
    end
    if (rst_i) begin
      run_o <= 1'b0;
      status_q <= '0;
      stopping_q <= 1'b0;
      stop_left_q <= '0;
    end
  end

  //
  // Counters; those of line B follow those of line A.
  //

  logic [NumCounters-1:0][31:0] count_q, count, shown_q;
  logic [2*NumLineCounters-1:0][31:0] line_count_q, line_shown_q;
  logic [2*NumLineCounters-1:0] line_pulses;

  assign line_pulses = line_count_i;

  always_comb begin
    count = count_q;
    count[tercel_pkg::CntLatencyMin] = latency_min_i;
    count[tercel_pkg::CntLatencyMax] = latency_max_i;
  end

  always_ff @(posedge clk_i) begin
    for (int i = 0; i < NumCounters; i++) begin
      if (count_i[i]) count_q[i] <= count_q[i] + 32'd1;
    end
    for (int i = 0; i < 2 * NumLineCounters; i++) begin
      if (line_pulses[i]) line_count_q[i] <= line_count_q[i] + 32'd1;
    end
    if (seen_valid_i[0]) seen_q[0] <= seen_session_i[0];
    if (seen_valid_i[1]) seen_q[1] <= seen_session_i[1];
    if (snapshot) begin
      shown_q <= count;
      line_shown_q <= line_count_q;
      snapshot_done_q <= w_data_q;
    end
    if (!run_o) begin
      count_q <= '0;
      line_count_q <= '0;
      seen_q <= '0;
    end
    if (restart || rst_i) begin
      shown_q <= '0;
      line_shown_q <= '0;
      shown_q[tercel_pkg::CntLatencyMin] <= '1;
    end
    if (rst_i) snapshot_done_q <= '0;
  end

  //
  // Reads: address, place in each group, one word of each group, their union.
  //

  logic ar_full_q, index_valid_q, words_valid_q;
  logic [15:0] ar_addr_q, other_addr_q;
  logic [4:0] read_index_q;
  logic [5:0] count_index_q;
  logic [4:0] line_index_q;
  logic count_hit_q, line_hit_q, at_line0, at_line1;
  logic [31:0] word_reg_q, word_other_q, word_count_q, word_line_q;
  logic [15:0] count_at, line0_at, line1_at;

  assign s_axil_arready_o = !ar_full_q;
  assign s_axil_rresp_o = 2'b00;
  assign count_at = ar_addr_q - tercel_pkg::CounterOffset;
  assign line0_at = ar_addr_q - Count0;
  assign line1_at = ar_addr_q - Count1;
  assign at_line0 = line0_at < 16'(4 * NumLineCounters) && line0_at[1:0] == 2'b00;
  assign at_line1 = line1_at < 16'(4 * NumLineCounters) && line1_at[1:0] == 2'b00;

  always_ff @(posedge clk_i) begin
    if (s_axil_arvalid_i && s_axil_arready_o) begin
      ar_full_q <= 1'b1;
      ar_addr_q <= s_axil_araddr_i;
    end
    index_valid_q <= ar_full_q;
    other_addr_q <= ar_addr_q;
    read_index_q <= index_of(ar_addr_q);
    count_hit_q <= count_at < 16'(4 * NumCounters) && count_at[1:0] == 2'b00;
    count_index_q <= count_at[7:2];
    line_hit_q <= at_line0 || at_line1;
    line_index_q <= at_line0 ? line0_at[6:2] : line1_at[6:2] + 5'(NumLineCounters);

    words_valid_q <= index_valid_q && ar_full_q;
    word_reg_q <= '0;
    for (int i = 0; i < NumRegs; i++) begin
      if (read_index_q == 5'(i)) word_reg_q <= regs_q[i];
    end
    word_count_q <= '0;
    for (int i = 0; i < NumCounters; i++) begin
      if (count_hit_q && count_index_q == 6'(i)) word_count_q <= shown_q[i];
    end
    word_line_q <= '0;
    for (int i = 0; i < 2 * NumLineCounters; i++) begin
      if (line_hit_q && line_index_q == 5'(i)) word_line_q <= line_shown_q[i];
    end
    case (other_addr_q)
      tercel_pkg::RegMagic: word_other_q <= tercel_pkg::DeviceMagic;
      tercel_pkg::RegVersion: word_other_q <= tercel_pkg::Version;
      tercel_pkg::RegLayoutHashLo: word_other_q <= tercel_pkg::LayoutHashLo;
      tercel_pkg::RegLayoutHashHi: word_other_q <= tercel_pkg::LayoutHashHi;
      tercel_pkg::RegTicksPerSecond: word_other_q <= TicksPerSecond;
      tercel_pkg::RegTimeLo: word_other_q <= device_time_i[31:0];
      tercel_pkg::RegTimeHi: word_other_q <= {16'd0, device_time_i[47:32]};
      tercel_pkg::RegStatus: word_other_q <= status_q;
      tercel_pkg::RegHead: word_other_q <= head_i;
      tercel_pkg::RegSnapshotDone: word_other_q <= snapshot_done_q;
      Line0 + tercel_pkg::LineRegSeen0: word_other_q <= seen_q[0][31:0];
      Line0 + tercel_pkg::LineRegSeen1: word_other_q <= seen_q[0][63:32];
      Line0 + tercel_pkg::LineRegSeen2: word_other_q <= {16'd0, seen_q[0][79:64]};
      Line1 + tercel_pkg::LineRegSeen0: word_other_q <= seen_q[1][31:0];
      Line1 + tercel_pkg::LineRegSeen1: word_other_q <= seen_q[1][63:32];
      Line1 + tercel_pkg::LineRegSeen2: word_other_q <= {16'd0, seen_q[1][79:64]};
      // TIME_BASE and DMA_WINDOW too: the clock is not set, the ring lies with the host.
      default: word_other_q <= '0;
    endcase

    if (words_valid_q && !s_axil_rvalid_o && ar_full_q) begin
      s_axil_rvalid_o <= 1'b1;
      s_axil_rdata_o <= word_reg_q | word_other_q | word_count_q | word_line_q;
    end
    if (s_axil_rvalid_o && s_axil_rready_i) begin
      s_axil_rvalid_o <= 1'b0;
      ar_full_q <= 1'b0;
      index_valid_q <= 1'b0;
      words_valid_q <= 1'b0;
    end
    if (rst_i) begin
      ar_full_q <= 1'b0;
      index_valid_q <= 1'b0;
      words_valid_q <= 1'b0;
      s_axil_rvalid_o <= 1'b0;
    end
  end

endmodule

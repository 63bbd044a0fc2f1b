// Plays a tape through the card and prints what the card writes into memory and answers.
//
// The tape is a file of hexadecimal words, one a line: the operation in the upper four bits, its
// operands below. The suite `feed_card_icarus` writes it and reads what is printed here.

`timescale 1ns / 1ps

module feed_bench;

  localparam int WordsMax = 1 << 18;

  localparam logic [3:0] OpEnd = 4'd0;
  localparam logic [3:0] OpBeat = 4'd1;
  localparam logic [3:0] OpIdle = 4'd2;
  localparam logic [3:0] OpWrite = 4'd3;
  localparam logic [3:0] OpRead = 4'd4;

  logic clk = 1'b0;
  logic rst = 1'b1;
  logic [15:0] awaddr = '0;
  logic awvalid = 1'b0;
  logic awready;
  logic [31:0] wdata = '0;
  logic wvalid = 1'b0;
  logic wready;
  logic [1:0] bresp;
  logic bvalid;
  logic [15:0] araddr = '0;
  logic arvalid = 1'b0;
  logic arready;
  logic [31:0] rdata;
  logic [1:0] rresp;
  logic rvalid;
  logic [127:0] tdata = '0;
  logic [15:0] tkeep = '0;
  logic [1:0] tvalid = '0;
  logic [1:0] tlast = '0;
  logic [1:0] tuser = '0;
  logic [95:0] ticks = '0;
  logic [47:0] device_time = '0;
  logic wr_valid;
  logic [63:0] wr_addr;
  logic [511:0] wr_data;
  logic [1:0] probe_record;

  feed_top dut (
    .clk_i(clk),
    .rst_i(rst),
    .s_axil_awaddr_i(awaddr),
    .s_axil_awvalid_i(awvalid),
    .s_axil_awready_o(awready),
    .s_axil_wdata_i(wdata),
    .s_axil_wstrb_i(4'hf),
    .s_axil_wvalid_i(wvalid),
    .s_axil_wready_o(wready),
    .s_axil_bresp_o(bresp),
    .s_axil_bvalid_o(bvalid),
    .s_axil_bready_i(1'b1),
    .s_axil_araddr_i(araddr),
    .s_axil_arvalid_i(arvalid),
    .s_axil_arready_o(arready),
    .s_axil_rdata_o(rdata),
    .s_axil_rresp_o(rresp),
    .s_axil_rvalid_o(rvalid),
    .s_axil_rready_i(1'b1),
    .s_axis_tdata_i(tdata),
    .s_axis_tkeep_i(tkeep),
    .s_axis_tvalid_i(tvalid),
    .s_axis_tlast_i(tlast),
    .s_axis_tuser_i(tuser),
    .s_ticks_i(ticks),
    .device_time_i(device_time),
    .m_wr_valid_o(wr_valid),
    .m_wr_ready_i(1'b1),
    .m_wr_addr_o(wr_addr),
    .m_wr_data_o(wr_data),
    .probe_record_o(probe_record)
  );

  always #1 clk = ~clk;

  always @(posedge clk) begin
    device_time <= device_time + 48'd1;
    if (!rst && wr_valid) $display("write %016x %0128x", wr_addr, wr_data);
    if (!rst && wr_valid === 1'bx) $display("unknown: the bus is neither idle nor busy");
  end

  logic [127:0] tape[WordsMax];
  logic [127:0] word;
  string path;
  integer at;
  integer line;

  // Inputs change on the falling edge, so that no simulator's order of events matters.
  task automatic write_register(input logic [15:0] offset, input logic [31:0] value);
    logic address_taken;
    logic data_taken;
    awaddr = offset;
    wdata = value;
    awvalid = 1'b1;
    wvalid = 1'b1;
    while (awvalid || wvalid) begin
      #0.5;
      address_taken = awvalid && awready;
      data_taken = wvalid && wready;
      @(negedge clk);
      if (address_taken) awvalid = 1'b0;
      if (data_taken) wvalid = 1'b0;
    end
    while (!bvalid) @(negedge clk);
    @(negedge clk);
  endtask

  task automatic read_register(input logic [15:0] offset);
    logic address_taken;
    araddr = offset;
    arvalid = 1'b1;
    while (arvalid) begin
      #0.5;
      address_taken = arready;
      @(negedge clk);
      if (address_taken) arvalid = 1'b0;
    end
    while (!rvalid) @(negedge clk);
    $display("read %04x %08x", offset, rdata);
    @(negedge clk);
  endtask

  initial begin
    if (!$value$plusargs("tape=%s", path)) $fatal(1, "no +tape=");
    $readmemh(path, tape);
    repeat (4) @(negedge clk);
    rst = 1'b0;
    @(negedge clk);
    at = 0;
    word = tape[0];
    while (word[127:124] !== OpEnd) begin
      case (word[127:124])
        OpBeat: begin
          line = word[122] ? 1 : 0;
          tdata[64*line+:64] = word[63:0];
          tkeep[8*line+:8] = word[119:112];
          tvalid = 2'b01 << line;
          tlast = word[120] ? tvalid : 2'b00;
          tuser = word[121] ? tvalid : 2'b00;
          ticks[48*line+:48] = word[111:64];
          @(negedge clk);
          tvalid = 2'b00;
        end
        OpIdle: repeat (word[31:0]) @(negedge clk);
        OpWrite: write_register(word[47:32], word[31:0]);
        OpRead: read_register(word[47:32]);
        default: $fatal(1, "no such operation");
      endcase
      at = at + 1;
      word = tape[at];
    end
    $finish;
  end

endmodule

// The instruments that pass: one bit a stock locate, 2,048 words of 32 bits in block RAM.
//
// The locate is looked up while its message still arrives: it lies 16 bytes, two beats, before the
// last byte of the shortest message that is filtered.
//
// Latency: `hit_o` in the second cycle after `locate_i`: RAM, output register; the bit is selected
// behind it. Back-pressure: none, a lookup a cycle.
module locate_filter (
  input  logic        clk_i,
  input  logic        we_i,
  input  logic [10:0] waddr_i,
  input  logic [31:0] wdata_i,
  input  logic [15:0] locate_i,
  output logic        hit_o
);

  logic [31:0] mem [tercel_pkg::FilterWords];
  logic [31:0] read_q, word_q;
  logic [4:0]  bit_read_q, bit_q;

  initial begin
    for (int i = 0; i < tercel_pkg::FilterWords; i = i + 1) mem[i] = 32'd0;
  end

  always_ff @(posedge clk_i) begin
    if (we_i) mem[waddr_i] <= wdata_i;
  end

  always_ff @(posedge clk_i) begin
    read_q     <= mem[locate_i[15:5]];
    bit_read_q <= locate_i[4:0];
    word_q     <= read_q;
    bit_q      <= bit_read_q;
  end

  assign hit_o = word_q[bit_q];

endmodule

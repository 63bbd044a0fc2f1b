// The records that wait for the ring: FIFO_DEPTH of them in memory that is read without a clock.
//
// This is the only place where records are dropped, and only those that come while the queue is
// full. Then the range of numbers that the host misses is kept, and a GAP_OPEN of it takes the
// first place that gets free. A record that comes in that very cycle finds the queue full again, as
// places get free one at a time.
//
// Latency: none while the queue is empty, the record of this cycle is the head; else its turn.
// Back-pressure: record_ready_i from below; none above.
module record_fifo #(
  parameter int Depth = tercel_pkg::FifoDepth
) (
  input  logic                       clk_i,
  input  logic                       rst_i,
  input  logic [7:0]                 cfg_venue_i,
  input  logic                       ring_room_i,
  // From line_merge.
  input  logic                       valid_i,
  input  logic [511:0]               record_i,        // an event_record_t
  input  logic [47:0]                record_first_i,
  input  logic [47:0]                record_end_i,
  input  logic                       is_message_i,
  input  logic [31:0]                record_cycle_i,
  // To ring_writer.
  output logic                       valid_o,
  output logic [511:0]               record_o,
  output logic                       is_message_o,
  output logic [31:0]                record_cycle_o,
  input  logic                       ready_i,
  // Pulses for the counters.
  output logic                       cnt_drop_o,
  output logic                       cnt_ring_full_o
);

  localparam int IndexBits = $clog2(Depth);
  localparam int CountBits = IndexBits + 1;
  localparam int EntryBits = 1 + 32 + 512;


  logic [EntryBits-1:0] mem_q [Depth];
  logic [IndexBits-1:0] write_q, read_q;
  logic [CountBits-1:0] count_q;
  logic lost_q;  // something was dropped and not announced: [lost_first_q, lost_end_q)
  logic [47:0] lost_first_q, lost_end_q, lost_ticks_q;

  logic empty, full, announce, drop, push, pop;
  logic [EntryBits-1:0] in_entry, write_entry;
  record_t incoming, announcement;

  assign empty = count_q == '0;
  assign full = count_q == CountBits'(Depth);
  assign announce = lost_q && !full;
  assign drop = valid_i && (full || lost_q);
  assign pop = ready_i && !empty;
  assign push = announce || (valid_i && !full && !(empty && ready_i));

  assign incoming = record_i;
  assign in_entry = {is_message_i, record_cycle_i, incoming};
  assign write_entry = lost_q ? {1'b0, 32'd0, announcement} : in_entry;

  always_comb begin
    announcement = '0;
    announcement.kind = tercel_pkg::KindGapOpen;
    announcement.venue = cfg_venue_i;
    announcement.order_ref = {16'd0, lost_first_q};
    announcement.quantity = {16'd0, lost_end_q - lost_first_q};
    announcement.receive_time = {16'd0, lost_ticks_q};
  end

  assign valid_o = valid_i || !empty;
  assign {is_message_o, record_cycle_o, record_o} = empty ? in_entry : mem_q[read_q];

  // Written before it is known whether the record passes by; not when full, as the place then is
  // that of the head.
  always_ff @(posedge clk_i) begin
    if (!full) mem_q[write_q] <= write_entry;
  end

  always_ff @(posedge clk_i) begin
    if (push) write_q <= write_q + 1'b1;
    if (pop) read_q <= read_q + 1'b1;
    if (push && !pop) count_q <= count_q + 1'b1;
    if (pop && !push) count_q <= count_q - 1'b1;
    if (announce) lost_q <= 1'b0;
    if (drop) begin
      lost_q <= 1'b1;
      lost_ticks_q <= incoming.receive_time[47:0];
      if (!lost_q || announce || record_first_i < lost_first_q) lost_first_q <= record_first_i;
      if (!lost_q || announce || record_end_i > lost_end_q) lost_end_q <= record_end_i;
    end
    cnt_drop_o <= drop;
    cnt_ring_full_o <= drop && !ring_room_i;
    if (rst_i) begin
      write_q <= '0;
      read_q <= '0;
      count_q <= '0;
      lost_q <= 1'b0;
      cnt_drop_o <= 1'b0;
      cnt_ring_full_o <= 1'b0;
    end
  end

endmodule

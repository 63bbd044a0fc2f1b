// Stage 5: numbers records, adds the checks of a slot and hands them to the ring-write port, one
// posted write of 64 bytes each.
//
// A record is written only while HEAD - TAIL is less than the number of slots, so that nothing is
// overwritten that the host has not taken. HEAD moves when the bus has taken the write. A write
// that is at the port when the card is stopped stays there until the bus takes it.
//
// Latency: one register. A cycle a record while wr_ready_i is set and the ring has room.
// Back-pressure: wr_ready_i and the ring's room become ready_o.
module ring_writer (
  input  logic                       clk_i,
  input  logic                       rst_i,    // of the card
  input  logic                       clear_i,  // while stopped
  input  logic [31:0]                cycle_i,
  input  logic [63:6]                cfg_base_i,
  input  logic [4:0]                 cfg_log2_i,
  input  logic [31:0]                cfg_tail_i,
  // From record_fifo.
  input  logic                       valid_i,
  input  logic [511:0]               record_i,        // an event_record_t
  input  logic                       is_message_i,
  input  logic [31:0]                record_cycle_i,
  output logic                       ready_o,
  output logic                       room_o,
  // The ring-write port.
  output logic                       wr_valid_o,
  input  logic                       wr_ready_i,
  output logic [63:0]                wr_addr_o,
  output logic [511:0]               wr_data_o,
  // For the registers.
  output logic [31:0]                head_o,
  output logic                       cnt_record_o,
  output logic [31:0]                latency_min_o,
  output logic [31:0]                latency_max_o
);


  logic [31:0] number_q, next_q;  // records numbered so far, and one more
  logic [31:0] slot_mask_q;
  logic [63:6] addr_q;
  logic [15:0] lap_q;
  logic room_q;

  logic load, wraps, room_now, room_after;
  logic [31:0] used_now, used_after;
  record_t slot;

  assign room_o = room_q;
  assign ready_o = room_q && (!wr_valid_o || wr_ready_i);
  assign load = valid_i && ready_o;

  // TAIL is a cycle old in here; it moves away only.
  assign used_now = number_q - cfg_tail_i;
  assign used_after = next_q - cfg_tail_i;
  assign room_now = (used_now & ~slot_mask_q) == '0;
  assign room_after = (used_after & ~slot_mask_q) == '0;
  assign wraps = (next_q & slot_mask_q) == '0;

  always_comb begin
    slot = record_i;
    slot.seq[63:48] = lap_q;
    slot.receive_time[63:48] = next_q[15:0];
  end

  always_ff @(posedge clk_i) begin
    slot_mask_q <= (32'd1 << cfg_log2_i) - 32'd1;
    room_q <= load ? room_after : room_now;
    if (load) begin
      wr_data_o <= slot;
      wr_addr_o <= {addr_q, 6'd0};
      number_q <= next_q;
      next_q <= next_q + 32'd1;
      addr_q <= wraps ? cfg_base_i : addr_q + 58'd1;
      if (wraps) lap_q <= lap_q + 16'd1;
    end
    if (!wr_valid_o || wr_ready_i) wr_valid_o <= load;
    if (wr_valid_o && wr_ready_i) head_o <= head_o + 32'd1;
    cnt_record_o <= wr_valid_o && wr_ready_i;
    if (clear_i) begin
      number_q <= 32'd0;
      next_q <= 32'd1;
      addr_q <= cfg_base_i;
      lap_q <= 16'd1;
      room_q <= 1'b0;
      head_o <= 32'd0;
      cnt_record_o <= 1'b0;
    end
    if (rst_i) wr_valid_o <= 1'b0;
  end

  // --- Latency of messages: from the stamp to the first cycle at the port.
  logic fresh_q, measured_q;
  logic [31:0] stamp_q, latency_q;

  always_ff @(posedge clk_i) begin
    fresh_q <= load && is_message_i;
    stamp_q <= record_cycle_i;
    measured_q <= fresh_q;
    latency_q <= cycle_i - stamp_q;
    if (measured_q && latency_q < latency_min_o) latency_min_o <= latency_q;
    if (measured_q && latency_q > latency_max_o) latency_max_o <= latency_q;
    if (clear_i) begin
      fresh_q <= 1'b0;
      measured_q <= 1'b0;
      latency_min_o <= '1;
      latency_max_o <= '0;
    end
  end

endmodule

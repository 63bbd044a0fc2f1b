  // --- The world: one configuration; the host counts up to what was written and no further.
  logic started = 1'b0;
  always_ff @(posedge clk_i) started <= 1'b1;
  always_comb assume (rst_i == !started);
  (* anyconst *) logic [57:0] base;
`ifdef LARGE
  localparam logic [4:0] log2 = 5'd20;
`elsif INVARIANTS
  localparam logic [4:0] log2 = 5'd4;
`else
  localparam logic [4:0] log2 = 5'd1;  // for mutants: the least ring is full soonest
`endif
  logic [31:0] tail_q, head_was_q;
  logic clear_q;
  always_ff @(posedge clk_i) begin
    tail_q <= cfg_tail_i;
    head_was_q <= head_o;
    clear_q <= clear_i;
  end
  always_comb begin
    assume (cfg_base_i == base && cfg_log2_i == log2);
    if (!started) assume (clear_i);
    // TAIL is zero at the start, and then never beyond HEAD as the host could read it.
    if (clear_i || clear_q || !started) assume (cfg_tail_i == 32'd0);
    else assume (cfg_tail_i - tail_q <= head_was_q - tail_q);
    // The start waits for the bus, so that no write of the last run is counted in this one.
    if (clear_q && wr_valid_o) assume (clear_i);
  end

  wire [31:0] slots = 32'd1 << log2;

  // --- Records by number: `taken` went in, `written` were taken by the bus.
  // The record that is taken next belongs into `slot` of `lap`.
  logic [31:0] taken, written, slot_n, slot_port;
  logic [15:0] lap_n, lap_port;
  logic wrote_q;
  logic [511:0] in_q;
  always_ff @(posedge clk_i) begin
    if (valid_i && ready_o) begin
      in_q <= record_i;
      taken <= taken + 32'd1;
      slot_port <= slot_n;
      lap_port <= lap_n;
      slot_n <= (slot_n == slots - 32'd1) ? 32'd0 : slot_n + 32'd1;
      if (slot_n == slots - 32'd1) lap_n <= lap_n + 16'd1;
    end
    if (wr_valid_o && wr_ready_i) written <= written + 32'd1;
    wrote_q <= wr_valid_o && wr_ready_i;
    if (clear_i) begin
      taken <= '0;
      written <= '0;
      slot_n <= '0;
      lap_n <= 16'd1;
      wrote_q <= 1'b0;
    end
  end
  logic held_q;
  logic [575:0] held_write_q;
  always_ff @(posedge clk_i) begin
    held_q <= wr_valid_o && !wr_ready_i && !rst_i;
    held_write_q <= {wr_addr_o, wr_data_o};
  end
  always_comb if (started) begin
    if (held_q) stays : assert (wr_valid_o && held_write_q == {wr_addr_o, wr_data_o});
  end
  always_comb if (started && !clear_i && !clear_q) begin
    head_right : assert (head_o == written);
    counted : assert (cnt_record_o == wrote_q);
    nothing_lost : assert (taken == written + 32'(wr_valid_o));
    if (wr_valid_o) begin
      // The slot is one that the host has taken, or that was never written.
      released : assert (taken - 32'd1 - cfg_tail_i < slots);
      place : assert (wr_addr_o == {base + 58'(slot_port), 6'd0});
      lap : assert (wr_data_o[63:48] == lap_port);
      numbered : assert (wr_data_o[511:496] == taken[15:0]);
      whole : assert (wr_data_o[495:64] == in_q[495:64] && wr_data_o[47:0] == in_q[47:0]);
    end
  end

`ifdef INVARIANTS
  always_comb if (started) begin
    if (clear_q) assert (taken == 0 && written == 0 && slot_n == 0 && lap_n == 16'd1);
    else assert (slot_mask_q == slots - 32'd1 && head_o == written);
    if (clear_q) assert (!room_q && head_o == 0);
    assert (number_q == taken && next_q == taken + 32'd1);
    assert (slot_n == (taken & (slots - 32'd1)) && addr_q == base + 58'(slot_n));
    assert (lap_q == lap_n);
    // HEAD was read a cycle ago at the latest, and no more is open than the ring has slots.
    assert (taken - tail_q <= slots && written - tail_q <= slots);
    if (!clear_q) assert (head_was_q - tail_q <= slots && written - head_was_q <= 32'd1);
    if (!clear_q) assert (taken == written + 32'(wr_valid_o));
    if (room_q) assert (taken - tail_q < slots);
    if (wr_valid_o && !clear_q) begin
      assert (wr_data_o[511:496] == taken[15:0] && wr_data_o[63:48] == lap_port);
      assert (wr_addr_o == {base + 58'(slot_port), 6'd0} && taken - 32'd1 - tail_q < slots);
    end
  end
`endif

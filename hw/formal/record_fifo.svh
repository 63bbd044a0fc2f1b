  // --- The queue as a count of what went in and out, with one item followed through it.
  logic started = 1'b0;
  always_ff @(posedge clk_i) started <= 1'b1;
  always_comb assume (rst_i == !started);
  logic [15:0] in_n, out_n;  // items that went in, and out
  logic lost;                // records were dropped and not announced: of [lost_first, lost_end)
  logic [47:0] lost_first, lost_end, lost_ticks;
  wire [15:0] inside = in_n - out_n;
  wire room = inside != 16'(Depth);
  wire enters_gap = lost && room;
  wire enters_record = valid_i && room && !lost;
  wire dropped = valid_i && !enters_record;
  wire leaves = valid_o && ready_i;

  record_t gap;
  logic [EntryBits-1:0] item;
  always_comb begin
    gap = '0;
    gap.kind = tercel_pkg::KindGapOpen;
    gap.venue = cfg_venue_i;
    gap.order_ref = 64'(lost_first);
    gap.quantity = 64'(48'(lost_end - lost_first));
    gap.receive_time = 64'(lost_ticks);
    item = enters_gap ? {33'd0, gap} : {is_message_i, record_cycle_i, record_i};
  end
  wire [47:0] least = (lost && !enters_gap && lost_first < record_first_i) ? lost_first
    : record_first_i;
  wire [47:0] most = (lost && !enters_gap && lost_end > record_end_i) ? lost_end : record_end_i;

  (* anyconst *) logic [15:0] one;  // the number of the item that is followed
  logic [EntryBits-1:0] followed;
  logic dropped_q, held_q;
  logic [EntryBits-1:0] held_item_q;
  always_ff @(posedge clk_i) begin
    if (enters_gap || enters_record) begin
      in_n <= in_n + 16'd1;
      if (in_n == one) followed <= item;
    end
    if (leaves) out_n <= out_n + 16'd1;
    if (dropped) begin
      lost_first <= least;
      lost_end <= most;
      lost_ticks <= record_i[64*7 +: 48];
    end
    lost <= dropped || (lost && !enters_gap);
    dropped_q <= dropped;
    held_q <= valid_o && !ready_i;
    held_item_q <= {is_message_o, record_cycle_o, record_o};
    if (rst_i) begin
      in_n <= '0;
      out_n <= '0;
      lost <= 1'b0;
      dropped_q <= 1'b0;
      held_q <= 1'b0;
    end
  end

  wire [EntryBits-1:0] out = {is_message_o, record_cycle_o, record_o};
  always_comb if (started) begin
    there : assert (valid_o == (inside != '0 || enters_record));
    if (valid_o && out_n == one) in_order : assert (out == (inside == '0 ? item : followed));
    if (held_q) stays : assert (valid_o && out == held_item_q);
    counted : assert (cnt_drop_o == dropped_q);
    bounded : assert (inside <= 16'(Depth));
  end

`ifdef INVARIANTS
  wire [15:0] ahead = one - out_n;
  wire [IndexBits-1:0] place = read_q + ahead[IndexBits-1:0];
  always_comb if (started) begin
    assert (16'(count_q) == inside && write_q == IndexBits'(read_q + count_q[IndexBits-1:0]));
    assert (lost_q == lost);
    if (lost) assert (inside >= 16'(Depth - 1));
    if (lost) assert (lost_first_q == lost_first && lost_end_q == lost_end);
    if (lost) assert (lost_ticks_q == lost_ticks);
    if (ahead < inside) assert (mem_q[place] == followed);
    if (held_q && inside != 0) assert (held_item_q == mem_q[read_q]);
    if (held_q) assert (inside != 0);
  end
`endif

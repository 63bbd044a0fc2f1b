  // --- The world: a reset first; on each line packets with rising numbers, none near the end.
  logic started = 1'b0;
  always_ff @(posedge clk) started <= 1'b1;
  always_comb assume (rst == !started);
  logic [1:0] open;
  logic [1:0][Width-1:0] next;
  wire [Width-1:0] next_here = next[line];
  always_comb begin
    assume ($onehot0({is_begin, is_message, is_end}));
    if (is_begin) assume (!open[line] && seq[Width-1:Width-2] != 2'b11);
    if (is_message) assume (open[line] && seq >= next_here && seq[Width-1:Width-2] != 2'b11);
    if (is_end) assume (open[line]);
  end
  always_ff @(posedge clk) begin
    if (is_begin) open[line] <= 1'b1;
    if (is_end) open[line] <= 1'b0;
    if (is_begin) next[line] <= seq;
    if (is_message) next[line] <= seq + 1'b1;
    if (rst) open <= 2'b00;
  end

  // --- One number, any number: is it with the host, and was it named as missing or void?
  (* anyconst *) logic [Width-1:0] one;
  logic [Width-1:0] start;
  logic delivered, named;
  always_ff @(posedge clk) begin
    if ((is_new || is_fill) && seq == one) delivered <= 1'b1;
    if (opens && one >= gap_from && one - gap_from < gap_count) named <= 1'b1;
    if (retracts && one >= void_from && one - void_from < void_count) begin
      delivered <= 1'b0;
      named <= 1'b1;
    end
    if (rst) begin
      delivered <= 1'b0;
      named <= 1'b0;
      start <= next_seq;
    end
  end
  always_comb if (started) begin
    never_twice : assert (!((is_new || is_fill) && seq == one && delivered));
    never_skipped : assert (one < start || one >= expected || delivered || named);
    in_order : assert (hole <= hole_end && hole_end <= expected);
    told_right : assert (!retracts || void_next == (fell_back ? hole : expected));
  end

`ifdef INVARIANTS
  always_comb if (started) begin
    if (delivered) assert (one < expected && !(hole <= one && one < hole_end));
    assert (jumped != 2'b11);
    for (int l = 0; l < 2; l++) if (taken[l]) assert (first[l] < last[l]);
    for (int l = 0; l < 2; l++) if (open[l]) begin
      if (jumped[l]) begin
        assert (!refused[l] && expected != 0 && hole_end <= expected && next[l] >= expected);
        // All that it would have to take back if its packet is bad is its own.
        if (delivered && one >= hole) assert (taken[l] && first[l] <= one && one < last[l]);
        if (taken[l]) assert (hole_end <= first[l] && last[l] == expected);
      end
      if (taken[l]) begin
        assert (last[l] <= next[l] && last[l] <= expected);
        // What a line brought before the other one jumped lies below the hole.
        if (jumped[1-l] && open[1-l]) assert (last[l] <= hole);
      end
    end
  end
`endif

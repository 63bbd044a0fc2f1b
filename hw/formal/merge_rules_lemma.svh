  // What the proof of merge_rules says of the state, and this proof needs.
  always_comb if (!rst) begin
    assume (hole <= hole_end && hole_end <= expected);
    for (int l = 0; l < 2; l++) if (taken[l]) assume (first[l] < last[l]);
  end

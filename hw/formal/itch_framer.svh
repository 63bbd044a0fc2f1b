  // --- The world: what frame_rx hands over, as said at its ports.
  logic started = 1'b0;
  always_ff @(posedge clk_i) started <= 1'b1;
  always_comb assume (rst_i == !started);
  logic in_packet, ended;    // `ended`: the datagram's last byte has come
  logic [7:0] lane7;
  wire [2:0] first_lane = blk_odd_i ? 3'd2 : 3'd6;
  always_ff @(posedge clk_i) begin
    if (blk_valid_i) begin
      in_packet <= !blk_last_i;
      ended <= !blk_last_i && ((!blk_first_i && ended) || !blk_keep_i[7]);
      lane7 <= blk_data_i[63:56];
    end
    if (rst_i) in_packet <= 1'b0;
  end
  logic odd_was, valid_was, last_was, rst_was;
  always_ff @(posedge clk_i) begin
    odd_was <= blk_odd_i;
    valid_was <= blk_valid_i && !rst_i;
    last_was <= blk_last_i;
    rst_was <= rst_i;
  end
  always_comb begin
    // Where the first length ends is settled a cycle before the beat with the count, and a cycle
    // at least lies between two packets: there are headers between them.
    if (started && (in_packet || blk_valid_i)) assume (blk_odd_i == odd_was);
    if (valid_was && last_was) assume (!blk_valid_i);
    if (rst_i || rst_was) assume (!blk_valid_i);
    if (blk_valid_i) begin
      assume (blk_first_i == !in_packet);
      assume (blk_keep_i == 8'h00 || blk_keep_i == 8'h01 || blk_keep_i == 8'h03
        || blk_keep_i == 8'h07 || blk_keep_i == 8'h0f || blk_keep_i == 8'h1f
        || blk_keep_i == 8'h3f || blk_keep_i == 8'h7f || blk_keep_i == 8'hff);
      if (!blk_first_i && ended) assume (blk_keep_i == 8'h00);
    end
    assume (blk_more_i == (blk_count_i != 16'd0) && blk_one_left_i == (blk_count_i == 16'd1));
    assume (blk_count_i != 16'hffff);
    for (int q = 0; q < 8; q++) begin
      assume (blk_len_i[q] == {q == 0 ? lane7 : blk_data_i[8*((q+7)%8) +: 8],
        blk_data_i[8*q +: 8]});
      assume (blk_next_i[q] == 16'(blk_len_i[q] + 16'(q) - 16'd6));
      assume (blk_bad_i[q] == (!blk_keep_i[q] || blk_len_i[q] < 16'd12
        || blk_len_i[q] >= 16'hff00));
      assume (blk_short_i[q] == (blk_keep_i[q] && blk_len_i[q] < 16'd12));
      assume (blk_one_i[q] == (blk_bad_i[q] ? blk_one_i[q]
        : {1'b0, blk_len_i[q]} + 17'(q) < 17'd14));
      assume (blk_two_i[q] == (blk_bad_i[q] ? blk_two_i[q]
        : ({1'b0, blk_len_i[q]} + 17'(q) == 17'd14 || {1'b0, blk_len_i[q]} + 17'(q) == 17'd15)));
    end
  end

  // --- The specification: the datagram, one byte at a time.
  localparam logic [1:0] LengthHigh = 2'd0, LengthLow = 2'd1, Body = 2'd2, Over = 2'd3;
  logic [1:0] state, s;
  logic [15:0] size, at, todo, z, p, d;
  logic [7:0] high, h, byte_q, b;
  logic short_seen, sh;
  logic fin;
  logic [1:0] fin_n;
  logic [15:0] fin_size;
  logic [7:0] fin_byte;
  (* anyconst *) logic [5:0] one;  // any byte of a message
  always_comb assume (one < 6'd50);
  always_comb begin
    s = state; z = size; p = at; d = todo; h = high; b = byte_q; sh = short_seen;
    fin = 1'b0; fin_n = 2'd0; fin_size = '0; fin_byte = '0;
    if (blk_first_i) begin
      s = (blk_count_i == 0) ? Over : LengthHigh;
      d = blk_count_i;
      sh = 1'b0;
    end
    for (int i = 0; i < 8; i++) if (blk_keep_i[i] && !(blk_first_i && 3'(i) < first_lane)) begin
      case (s)
        LengthHigh: begin
          h = blk_data_i[8*i +: 8];
          s = LengthLow;
        end
        LengthLow: begin
          z = {h, blk_data_i[8*i +: 8]};
          p = '0;
          if (z < 16'd12) begin
            s = Over;
            sh = 1'b1;
          end else if (z >= 16'hff00) begin
            s = Over;  // no datagram is so long
          end else begin
            s = Body;
            d = d - 16'd1;
          end
        end
        Body: begin
          if (p == 16'(one)) b = blk_data_i[8*i +: 8];
          p = p + 16'd1;
          if (p == z) begin
            fin = 1'b1;
            fin_n = fin_n + 2'd1;
            fin_size = z;
            fin_byte = b;
            s = (d == 0) ? Over : LengthHigh;
          end
        end
        default: ;
      endcase
    end
  end
  logic fin_q, last_q;
  logic [15:0] fin_size_q;
  logic [7:0] fin_byte_q;
  logic open_spec, short_spec;
  always_ff @(posedge clk_i) begin
    fin_q <= 1'b0;
    last_q <= 1'b0;
    if (blk_valid_i) begin
      state <= s; size <= z; at <= p; todo <= d; high <= h; byte_q <= b; short_seen <= sh;
      fin_q <= fin;
      fin_size_q <= fin_size;
      fin_byte_q <= fin_byte;
      last_q <= blk_last_i;
      open_spec <= (s == Body) || d != 0;
      short_spec <= sh;
    end
    if (rst_i) begin
      fin_q <= 1'b0;
      last_q <= 1'b0;
    end
  end
  // Numbers: the header's, one more a message.
  logic [47:0] number;
  always_ff @(posedge clk_i)
    if (seq_valid_i) number <= seq_i;
    else if (fin_q) number <= number + 48'd1;
  logic numbered;
  always_ff @(posedge clk_i)
    if (rst_i) numbered <= 1'b0;
    else if (seq_valid_i) numbered <= 1'b1;

  always_comb if (started && !rst_i) begin
    one_record : assert (msg_valid_o == fin_q);
    if (blk_valid_i) at_most_one : assert (fin_n <= 2'd1);
    if (fin_q && numbered) number_right : assert (msg_seq_o == number);
    if (last_q) verdict : assert (open_o == open_spec && short_o == short_spec);
`ifdef DATA
    if (fin_q && 16'(one) < fin_size_q)
      body_right : assert (msg_body_o[8*one +: 8] == fin_byte_q);
`endif
  end
  // The running message's length is there until the message is out.
  always_comb if (started && !rst_i && blk_valid_i && fin) length_right : assert
    (length_o == fin_size);

`ifdef INVARIANTS
  wire [15:0] rest = size - at;  // bytes of the message to come
  always_comb if (started && !rst_i) begin
    assert (busy_q == in_packet);
    if (valid_was) assert (in_packet == !last_was);
    if (numbered) assert (seq_q == number);
    if (!in_packet) begin
      assert (here_q && !edge_q && !in_msg_q && !dead_q && !short_q);
      if (!rst_was) assert (lane_q == (odd_was ? 3'd3 : 3'd7) || valid_was);
    end else begin
      assert (in_msg_q == (state == Body) && short_q == short_seen);
      assert (left_q == todo && more_q == (todo != 0) && one_left_q == (todo == 16'd1));
      // Behind the datagram's end nothing is framed, and the place means nothing.
      if (!ended && state == Body) begin
        assert (!dead_q && length_q == size && size >= 16'd12 && size < 16'hff00 && at < size);
        assert (here_q == (rest < 16'd7) && edge_q == (rest == 16'd7 || rest == 16'd8));
        assert ({beats_q, lane_q} == rest + 16'd1);
      end
      if (!ended && state == LengthHigh) assert (here_q && lane_q == 3'd1 && !dead_q);
      if (!ended && state == LengthLow) assert (here_q && lane_q == 3'd0 && !dead_q
        && high == lane7);
      if (state == LengthHigh || state == LengthLow) assert (todo != 0);
      if (!ended && state == Over) assert (dead_q || todo == 0);
      if (!ended && dead_q) assert (state == Over);
    end
  end
`endif

// Checksums of one frame: IPv4 header, and UDP datagram with pseudo header (RFC 791, RFC 768).
//
// The source address lies right before the destination address, and that right before the
// datagram, so the sum over the datagram and most of its pseudo header is one over contiguous
// bytes; length and protocol are added at the end. Sums are kept wide and folded once: 32,768
// words of 16 bits fit 31 bits.
//
// Latency: a beat of stage 1 in cycle c counts in `ip_ok_o` from cycle c + 4 on, and in `udp_ok_o`
// in cycle c + 6. Back-pressure: none, a beat a cycle.
module frame_sum (
  input  logic        clk_i,
  input  logic        rst_i,
  input  logic        valid_i,
  input  logic [63:0] data_i,
  input  logic [7:0]  keep_i,    // bytes of the frame and, behind the header, of the datagram
  input  logic [7:0]  slot_i,    // place in the headers, see frame_rx; bit 7: behind them
  input  logic        odd_i,     // one VLAN tag
  input  logic [15:0] length_i,  // UDP length
  output logic        ip_ok_o,
  output logic        udp_ok_o
);

  localparam logic [16:0] Protocol = 17'd17;

  // Which of the beat's four words are in the sums.
  logic [3:0] ip_en, udp_en;
  always_comb begin
    ip_en[0] = slot_i[1] || slot_i[2] || (slot_i[3] && !odd_i);
    ip_en[1] = slot_i[1] || slot_i[2] || (slot_i[0] && odd_i);
    ip_en[2] = ip_en[1];
    ip_en[3] = slot_i[0] || slot_i[1] || (slot_i[2] && !odd_i);
    udp_en[0] = (|slot_i[7:3]) || (slot_i[2] && odd_i);
    udp_en[1] = |slot_i[7:2];
    udp_en[2] = |slot_i[7:2];
    udp_en[3] = (|slot_i[7:2]) || (slot_i[1] && odd_i);
  end

  logic [3:0][15:0] ip_word, udp_word;
  always_comb begin
    for (int i = 0; i < 4; i = i + 1) begin
      ip_word[i] = {data_i[16*i +: 8], data_i[16*i + 8 +: 8]} & {16{ip_en[i]}};
      udp_word[i] = {
        data_i[16*i +: 8] & {8{keep_i[2*i] && udp_en[i]}},
        data_i[16*i + 8 +: 8] & {8{keep_i[2*i + 1] && udp_en[i]}}
      };
    end
  end

  logic        pair_valid_q, pair_start_q, beat_valid_q, beat_start_q;
  logic [16:0] ip_lo_q, ip_hi_q, udp_lo_q, udp_hi_q;
  logic [17:0] ip_beat_q, udp_beat_q;
  logic [19:0] ip_sum_q;
  logic [31:0] udp_sum_q, udp_all_q;
  logic [16:0] pseudo_q, udp_fold_q;
  logic        ip_ok_q, udp_ok_q;

  always_ff @(posedge clk_i) begin
    pair_valid_q <= valid_i;
    pair_start_q <= slot_i[0];
    ip_lo_q      <= {1'b0, ip_word[0]} + {1'b0, ip_word[1]};
    ip_hi_q      <= {1'b0, ip_word[2]} + {1'b0, ip_word[3]};
    udp_lo_q     <= {1'b0, udp_word[0]} + {1'b0, udp_word[1]};
    udp_hi_q     <= {1'b0, udp_word[2]} + {1'b0, udp_word[3]};

    beat_valid_q <= pair_valid_q;
    beat_start_q <= pair_start_q;
    ip_beat_q    <= {1'b0, ip_lo_q} + {1'b0, ip_hi_q};
    udp_beat_q   <= {1'b0, udp_lo_q} + {1'b0, udp_hi_q};

    if (beat_valid_q) begin
      ip_sum_q  <= (beat_start_q ? 20'd0 : ip_sum_q) + {2'd0, ip_beat_q};
      udp_sum_q <= (beat_start_q ? 32'd0 : udp_sum_q) + {14'd0, udp_beat_q};
    end

    // All ones after folding; here and below the carries are too few for the fold to carry again
    // and still be all ones.
    ip_ok_q <= {1'b0, ip_sum_q[15:0]} + {13'd0, ip_sum_q[19:16]} == 17'h0ffff;

    pseudo_q   <= {1'b0, length_i} + Protocol;
    udp_all_q  <= udp_sum_q + {15'd0, pseudo_q};
    udp_fold_q <= {1'b0, udp_all_q[15:0]} + {1'b0, udp_all_q[31:16]};
    udp_ok_q   <= udp_fold_q == 17'h0ffff;

    if (rst_i) begin
      pair_valid_q <= 1'b0;
      beat_valid_q <= 1'b0;
    end
  end

  assign ip_ok_o = ip_ok_q;
  assign udp_ok_o = udp_ok_q;

endmodule

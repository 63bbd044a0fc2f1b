// Stage 1 of a line: Ethernet with up to two VLAN tags, IPv4, UDP and MoldUDP64 headers.
//
// A tag is 32 bits, so that every header field keeps its place within half a beat. The headers are
// parsed in slots of two such words; slot n ends with these:
//   0 type, 0x45, tos | 1 length, id; fragment, ttl, protocol | 2 checksum, source; source, dest.
//   3 destination, port; port, length | 4 checksum, session; session | 5 session; sequence number
//   6 sequence number; count, first length
// With no tag or two a slot is one beat; with one tag it is the upper half of one beat and the
// lower half of the next (`odd`). Slot 6 is the first beat that the framer sees.
//
// For each lane the next length field's place is computed as if a length field ended in that lane,
// so that the framer's recurrence is one multiplexer.
//
// Latency: the block outputs are there in the cycle after the beat; `seq_valid_o` and
// `begin_valid_o` in the second cycle after the beat with the count, so that the merge has taken
// BEGIN when a message that ends right behind the header comes; class and END in the eighth cycle
// after the last beat. Back-pressure: none, a beat a cycle.
module frame_rx (
  input  logic             clk_i,
  input  logic             rst_i,

  input  logic [63:0]      tdata_i,
  input  logic [7:0]       tkeep_i,
  input  logic             tvalid_i,
  input  logic             tlast_i,
  input  logic             tuser_i,      // with tlast: the frame check sequence is wrong
  input  logic [47:0]      ticks_i,      // with the first beat

  input  logic [31:0]      address_i,
  input  logic [15:0]      port_i,
  input  logic [79:0]      session_i,    // byte n at [8n +: 8]

  // To the framer: the beat with the count and those behind it, of whatever frame.
  output logic             blk_valid_o,
  output logic             blk_first_o,
  output logic             blk_last_o,
  output logic [63:0]      blk_data_o,
  output logic [7:0]       blk_keep_o,   // bytes of the datagram
  output logic             blk_odd_o,    // the first length ends in lane 3, not in lane 7
  // By lane q, if a length field ends in it:
  output logic [7:0][15:0] blk_len_o,    // the length
  output logic [7:0][15:0] blk_next_o,   // where the next one ends, from lane 0 of the next beat
  output logic [7:0]       blk_one_o,    // that is in the next beat
  output logic [7:0]       blk_two_o,    // that is in lane 0 or 1 of the beat after the next
  output logic [7:0]       blk_bad_o,    // no message starts here: too short, too long, not there
  output logic [7:0]       blk_short_o,  // too short
  // With blk_first_o:
  output logic [15:0]      blk_count_o,  // messages; zero at the end of a session
  output logic             blk_more_o,   // not zero
  output logic             blk_one_left_o,
  output logic [15:0]      blk_bytes_o,  // bytes behind the header

  input  logic             open_i,       // of the framer, see frame_verdict
  input  logic             short_i,
  input  logic             exact_i,

  output logic             seq_valid_o,  // before it is known whether there is a BEGIN
  output logic [47:0]      seq_o,
  output logic [47:0]      ticks_o,
  output logic             live_o,       // from BEGIN to END
  output logic             begin_valid_o,
  output logic             end_valid_o,
  output logic             end_good_o,
  output logic             end_session_o,

  output logic             cnt_frame_o,
  output logic             cnt_bad_fcs_o,
  output logic             cnt_other_o,
  output logic             cnt_malformed_o,
  output logic             cnt_other_session_o,
  output logic             cnt_truncated_o,
  output logic             cnt_packet_o,
  output logic             cnt_heartbeat_o,
  output logic [79:0]      seen_session_o  // with cnt_other_session_o
);

  localparam logic [15:0] TypeTag = 16'h8100;
  localparam logic [15:0] TypeServiceTag = 16'h88a8;
  localparam logic [23:0] TypeIpv4 = 24'h080045;   // and version 4, five words of header
  localparam logic [15:0] FragmentMask = 16'h3fff;
  localparam logic [7:0]  ProtocolUdp = 8'd17;
  localparam logic [15:0] TotalMin = 16'd48;       // IP 20, UDP 8, MoldUDP64 20
  localparam logic [15:0] UdpMin = 16'd28;
  localparam logic [15:0] IpHeader = 16'd20;
  localparam logic [15:0] CountEnd = 16'hffff;
  localparam logic [15:0] LengthMin = 16'(tercel_pkg::MessageMin);

  // Bytes of datagram and of IP packet before the beat of slot 6.
  localparam logic [15:0] UdpBefore = 16'd22;
  localparam logic [15:0] UdpBeforeOdd = 16'd26;
  localparam logic [15:0] IpBefore = 16'd42;
  localparam logic [15:0] IpBeforeOdd = 16'd46;

  // A big-endian field; its first byte is in the lowest bits.
  function automatic logic [15:0] be16(input logic [15:0] bytes);
    be16 = {bytes[7:0], bytes[15:8]};
  endfunction
  function automatic logic [7:0] lanes(input logic [15:0] count);
    lanes = (count[15:3] != 13'd0) ? 8'hff : ~(8'hff << count[2:0]);
  endfunction

  //
  // Input: where in the frame the beat is, and what of it belongs to the datagram.
  //

  // One bit each: beat 0, slots 0 to 6, behind.
  logic [8:0]  pos_q;
  logic        tagged_q, odd_q;
  logic        tag_lo, tag_hi, stay;
  logic [15:0] type_lo, type_hi;
  assign type_lo = be16(tdata_i[15:0]);
  assign type_hi = be16(tdata_i[47:32]);
  assign tag_lo = type_lo == TypeTag || type_lo == TypeServiceTag;
  assign tag_hi = type_hi == TypeTag || type_hi == TypeServiceTag;
  // Beat 1 of a tagged frame: slot 0 ends in beat 2.
  assign stay = pos_q[1] && !tagged_q && tag_hi;

  logic [15:0] udp_length_q, rem_start_q, rem_q, rem;
  logic [7:0]  mask_q, keep;
  logic [47:0] start_ticks_q;
  assign rem = pos_q[6] ? rem_start_q : rem_q;
  assign keep = tkeep_i & mask_q;

  logic [15:0] count;
  assign count = odd_q ? type_lo : type_hi;

  always_ff @(posedge clk_i) begin
    rem_start_q <= udp_length_q - (odd_q ? UdpBeforeOdd : UdpBefore);
    if (tvalid_i) begin
      if (tlast_i) pos_q <= 9'd1;
      else if (!stay && !pos_q[8]) pos_q <= {pos_q[7:0], 1'b0};
      tagged_q <= stay && !tlast_i;
      if (pos_q[0]) odd_q <= 1'b0;
      else if (tagged_q) odd_q <= !tag_lo;
      if (pos_q[0]) start_ticks_q <= ticks_i;
      if (pos_q[4]) udp_length_q <= odd_q ? be16(tdata_i[31:16]) : be16(tdata_i[63:48]);
      // For the next beat: up to slot 5 every byte counts.
      mask_q <= (!tlast_i && |pos_q[8:6]) ? lanes(rem) : 8'hff;
      rem_q  <= (rem[15:3] == 13'd0) ? 16'd0 : rem - 16'd8;
    end
    if (rst_i) begin
      pos_q    <= 9'd1;
      tagged_q <= 1'b0;
      mask_q   <= 8'hff;
    end
  end

  //
  // Stage 1: the beat, and the candidates for the framer.
  //

  logic        s1_valid_q, s1_start_q, s1_last_q, s1_bad_q, s1_seen_q;
  logic [7:0]  s1_slot_q;
  logic [63:0] s1_data_q;
  logic [3:0]  s1_bytes_q;
  logic [7:0]  lane7_q;
  logic [7:0][15:0] len;

  assign len[0] = {lane7_q, tdata_i[7:0]};
  for (genvar q = 0; q < 8; q = q + 1) begin : gen_lane
    if (q > 0) begin : gen_len
      assign len[q] = {tdata_i[8*q - 8 +: 8], tdata_i[8*q +: 8]};
    end
    always_ff @(posedge clk_i) begin
      if (tvalid_i) begin
        // The next length ends len + 2 bytes behind this one; 8 of them are this beat's.
        blk_len_o[q]   <= len[q];
        blk_next_o[q]  <= len[q] + 16'(q) - 16'd6;
        blk_one_o[q]   <= (len[q] == 16'd12 && q < 2) || (len[q] == 16'd13 && q < 1);
        blk_two_o[q]   <= len[q] + 16'(q) == 16'd14 || len[q] + 16'(q) == 16'd15;
        // From 0xff00 on none fits a datagram, and the place might not fit 16 bits.
        blk_bad_o[q]   <= !keep[q] || len[q] < LengthMin || (&len[q][15:8]);
        blk_short_o[q] <= keep[q] && len[q] < LengthMin;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    s1_valid_q  <= tvalid_i;
    s1_last_q   <= tvalid_i && tlast_i;
    blk_valid_o <= tvalid_i && (pos_q[7] || pos_q[8]);
    if (tvalid_i) begin
      s1_start_q <= pos_q[0];
      s1_slot_q  <= {pos_q[8:2], pos_q[1] && !stay};
      s1_data_q  <= tdata_i;
      s1_bad_q   <= tuser_i;
      s1_seen_q  <= odd_q ? tkeep_i[1] : tkeep_i[5];
      // How many bytes; tkeep has no holes.
      s1_bytes_q[3] <= tkeep_i[7];
      s1_bytes_q[2] <= tkeep_i[3] && !tkeep_i[7];
      s1_bytes_q[1] <= (tkeep_i[1] && !tkeep_i[3]) || (tkeep_i[5] && !tkeep_i[7]);
      s1_bytes_q[0] <= (tkeep_i[0] && !tkeep_i[1]) || (tkeep_i[2] && !tkeep_i[3])
        || (tkeep_i[4] && !tkeep_i[5]) || (tkeep_i[6] && !tkeep_i[7]);
      lane7_q        <= tdata_i[63:56];
      blk_first_o    <= pos_q[7];
      blk_last_o     <= tlast_i;
      blk_keep_o     <= keep;
      blk_count_o    <= (count == CountEnd) ? 16'd0 : count;
      blk_more_o     <= count != 16'd0 && count != CountEnd;
      blk_one_left_o <= count == 16'd1;
    end
    if (rst_i) begin
      s1_valid_q  <= 1'b0;
      s1_last_q   <= 1'b0;
      blk_valid_o <= 1'b0;
    end
  end

  assign blk_data_o = s1_data_q;
  assign blk_odd_o = odd_q;

  //
  // Stage 2: the fields. A flag is that of the last frame that came so far.
  //

  logic [31:0] high_q, word_a, word_b;
  assign word_a = odd_q ? high_q : s1_data_q[31:0];
  assign word_b = odd_q ? s1_data_q[31:0] : s1_data_q[63:32];

  logic        last_q, bad_fcs_q, done_q, port_seen_q, header_seen_q;
  logic        type_ok_q, fragment_ok_q, protocol_ok_q, high_ok_q, low_ok_q, port_ok_q;
  logic [15:0] total_q, udp_max_q, need_start_q, need_q;
  logic        bad_lengths_q, cut_q, no_checksum_q;
  logic [2:0]  session_ok_q;
  logic [79:0] session_q;
  logic [47:0] seq_q;
  logic        seq_big_q, seq_mid_ones_q, seq_low_ones_q;
  logic        empty_q, session_end_q;
  logic [47:0] ticks_q;
  logic        other, bad_header, other_session, begin_valid, ip_ok, udp_ok, over;
  logic        live_q;

  always_ff @(posedge clk_i) begin
    last_q    <= s1_last_q;
    bad_fcs_q <= s1_bad_q;
    done_q    <= s1_valid_q && s1_slot_q[6] && s1_seen_q;
    if (s1_valid_q) begin
      high_q        <= s1_data_q[63:32];
      port_seen_q   <= !s1_start_q && (port_seen_q || (s1_slot_q[3] && s1_seen_q));
      header_seen_q <= !s1_start_q && (header_seen_q || (s1_slot_q[6] && s1_seen_q));
      if (s1_slot_q[0]) type_ok_q <= {be16(word_b[15:0]), word_b[23:16]} == TypeIpv4;
      if (s1_slot_q[1]) begin
        total_q       <= be16(word_a[15:0]);
        fragment_ok_q <= (be16(word_b[15:0]) & FragmentMask) == 16'd0;
        protocol_ok_q <= word_b[31:24] == ProtocolUdp;
      end
      if (s1_slot_q[2]) high_ok_q <= be16(word_b[31:16]) == address_i[31:16];
      if (s1_slot_q[3]) begin
        low_ok_q  <= be16(word_a[15:0]) == address_i[15:0];
        port_ok_q <= be16(word_b[15:0]) == port_i;
      end
      if (s1_slot_q[4]) begin
        no_checksum_q   <= word_a[15:0] == 16'd0;
        session_q[47:0] <= {word_b, word_a[31:16]};
        session_ok_q[0] <= word_a[31:16] == session_i[15:0];
        session_ok_q[1] <= word_b == session_i[47:16];
      end
      if (s1_slot_q[5]) begin
        session_q[79:48] <= word_a;
        session_ok_q[2]  <= word_a == session_i[79:48];
        seq_q[47:32]     <= be16(word_b[31:16]);
        seq_big_q        <= word_b[15:0] != 16'd0;
        seq_mid_ones_q   <= word_b[31:16] == 16'hffff;
        need_q           <= need_start_q;
      end
      if (s1_slot_q[6]) begin
        seq_q[31:0]    <= {be16(word_a[15:0]), be16(word_a[31:16])};
        seq_low_ones_q <= word_a[15:0] == 16'hffff;
        empty_q        <= word_b[15:0] == 16'd0;
        session_end_q  <= word_b[15:0] == CountEnd;
        ticks_q        <= start_ticks_q;
      end
      if (s1_slot_q[6] || s1_slot_q[7]) begin
        need_q <= (need_q[15:3] == 13'd0) ? 16'd0 : need_q - 16'd8;
      end
      cut_q <= need_q > {12'd0, s1_bytes_q};
    end
    // Free of the beats: long before slot 6 they hold what belongs to the frame.
    udp_max_q     <= total_q - IpHeader;
    bad_lengths_q <= total_q < TotalMin || udp_length_q < UdpMin || udp_length_q > udp_max_q;
    need_start_q  <= total_q - (odd_q ? IpBeforeOdd : IpBefore);
    blk_bytes_o   <= udp_length_q - UdpMin;

    live_q        <= begin_valid || (live_q && !over);
    if (over) seen_session_o <= session_q;

    if (rst_i) begin
      last_q        <= 1'b0;
      done_q        <= 1'b0;
      live_q        <= 1'b0;
    end
  end

  assign other = !(port_seen_q && type_ok_q && fragment_ok_q && protocol_ok_q && high_ok_q
    && low_ok_q && port_ok_q);
  assign bad_header = bad_lengths_q || seq_big_q || (seq_mid_ones_q && seq_low_ones_q);
  assign other_session = !(&session_ok_q);
  assign begin_valid_o = begin_valid;
  assign begin_valid = done_q && !other && ip_ok && !bad_header && !other_session;

  assign seq_valid_o = done_q;
  assign seq_o = seq_q;
  assign ticks_o = ticks_q;
  assign live_o = live_q;

  frame_sum u_sum (
    .clk_i,
    .rst_i,
    .valid_i(s1_valid_q),
    .data_i(s1_data_q),
    .keep_i(blk_keep_o),
    .slot_i(s1_slot_q),
    .odd_i(odd_q),
    .length_i(udp_length_q),
    .ip_ok_o(ip_ok),
    .udp_ok_o(udp_ok)
  );

  frame_verdict u_verdict (
    .clk_i,
    .rst_i,
    .last_i(last_q),
    .bad_fcs_i(bad_fcs_q),
    .other_i(other),
    .header_cut_i(!header_seen_q),
    .bad_header_i(bad_header),
    .other_session_i(other_session),
    .cut_i(cut_q),
    .no_checksum_i(no_checksum_q),
    .empty_i(empty_q),
    .session_end_i(session_end_q),
    .open_i,
    .short_i,
    .exact_i,
    .ip_ok_i(ip_ok),
    .udp_ok_i(udp_ok),
    .live_i(live_q),
    .done_o(over),
    .end_valid_o,
    .end_good_o,
    .end_session_o,
    .cnt_frame_o,
    .cnt_bad_fcs_o,
    .cnt_other_o,
    .cnt_malformed_o,
    .cnt_other_session_o,
    .cnt_truncated_o,
    .cnt_packet_o,
    .cnt_heartbeat_o
  );

endmodule

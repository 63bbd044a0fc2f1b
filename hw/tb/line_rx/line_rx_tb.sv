// Plays frames into line_rx and compares each event, its fields and its cycle with a model that
// reads the frame a byte at a time. First directed frames, then random ones from a seed:
//   vvp line_rx_tb +seed=1 +frames=2000
`timescale 1ns / 1ps

module line_rx_tb;

  localparam int FrameMax = 2048;
  localparam int History = 64;     // frames whose beats' cycles are kept
  localparam int Queue = 4096;     // events expected and not seen yet
  localparam int Kinds = 23;
  localparam logic [31:0] Address = 32'he9360c6f;
  localparam logic [15:0] Port = 16'd26400;
  localparam logic [79:0] Session = 80'h39_38_37_36_35_34_33_32_31_30;
  localparam logic [7:0] Venue = 8'd3;

  logic        clk = 1'b0, rst = 1'b1, enable = 1'b0, pass_all = 1'b0;
  logic [63:0] tdata = 64'd0;
  logic [7:0]  tkeep = 8'd0;
  logic        tvalid = 1'b0, tlast = 1'b0, tuser = 1'b0;
  logic [47:0] ticks_in = 48'd0;
  logic        filter_we = 1'b0;
  logic [10:0] filter_addr = 11'd0;
  logic [31:0] filter_data = 32'd0;
  logic [15:0] cycle_q = 16'd0;

  logic        begin_valid, msg_valid, msg_known, msg_unknown, msg_badlen, msg_pass;
  logic        end_valid, end_good, end_session, seen_valid;
  logic [47:0] begin_seq, msg_seq, ticks;
  logic [4:0]  msg_kind;
  logic [511:0] record;
  logic [15:0] msg_cycle;
  logic [79:0] seen_session;
  logic [7:0]  pulses;             // in the order of the line's counters

  line_rx dut (
    .clk_i(clk),
    .rst_i(rst),
    .enable_i(enable),
    .s_axis_tdata_i(tdata),
    .s_axis_tkeep_i(tkeep),
    .s_axis_tvalid_i(tvalid),
    .s_axis_tlast_i(tlast),
    .s_axis_tuser_i(tuser),
    .s_ticks_i(ticks_in),
    .address_i(Address),
    .port_i(Port),
    .session_i(Session),
    .venue_i(Venue),
    .pass_all_i(pass_all),
    .filter_we_i(filter_we),
    .filter_addr_i(filter_addr),
    .filter_data_i(filter_data),
    .cycle_i(cycle_q),
    .begin_valid_o(begin_valid),
    .begin_seq_o(begin_seq),
    .msg_valid_o(msg_valid),
    .msg_seq_o(msg_seq),
    .msg_known_o(msg_known),
    .msg_unknown_o(msg_unknown),
    .msg_badlen_o(msg_badlen),
    .msg_kind_o(msg_kind),
    .msg_pass_o(msg_pass),
    .msg_record_o(record),
    .msg_cycle_o(msg_cycle),
    .end_valid_o(end_valid),
    .end_good_o(end_good),
    .end_session_o(end_session),
    .ticks_o(ticks),
    .cnt_frame_o(pulses[0]),
    .cnt_bad_fcs_o(pulses[1]),
    .cnt_other_o(pulses[2]),
    .cnt_malformed_o(pulses[3]),
    .cnt_other_session_o(pulses[4]),
    .cnt_truncated_o(pulses[5]),
    .cnt_packet_o(pulses[6]),
    .cnt_heartbeat_o(pulses[7]),
    .seen_valid_o(seen_valid),
    .seen_session_o(seen_session)
  );

  always #3.2 clk = !clk;
  always_ff @(posedge clk) cycle_q <= cycle_q + 16'd1;

  // The kinds in the order of their counters: letter and length.
  logic [8*Kinds-1:0] letters = "SRHYLVWKJhAFECXDUPQBINO";
  logic [7:0] lengths [Kinds];
  initial begin
    lengths[0] = 12; lengths[1] = 39; lengths[2] = 25; lengths[3] = 20; lengths[4] = 26;
    lengths[5] = 35; lengths[6] = 12; lengths[7] = 28; lengths[8] = 35; lengths[9] = 21;
    lengths[10] = 36; lengths[11] = 40; lengths[12] = 31; lengths[13] = 36; lengths[14] = 23;
    lengths[15] = 19; lengths[16] = 35; lengths[17] = 44; lengths[18] = 40; lengths[19] = 19;
    lengths[20] = 50; lengths[21] = 20; lengths[22] = 48;
  end
  function automatic logic [7:0] letter(input int kind);
    letter = letters[8*(Kinds - 1 - kind) +: 8];
  endfunction

  logic [31:0] filter [2048];

  // Marsaglia's xorshift: the same numbers in every simulator.
  int seed = 1;
  logic [31:0] state = 32'd1;
  function automatic logic [31:0] bits();
    state = state ^ (state << 13);
    state = state ^ (state >> 17);
    state = state ^ (state << 5);
    bits = state;
  endfunction
  function automatic int rnd(input int below);
    rnd = int'(bits() % $unsigned(below));
  endfunction

  //
  // Frames.
  //

  logic [7:0] f [FrameMax];
  int flen, ip_at, frame_id = 0;
  int errors = 0;

  task automatic put(input int bytes, input logic [79:0] value);
    for (int i = bytes - 1; i >= 0; i = i - 1) begin
      f[flen] = value[8*i +: 8];
      flen = flen + 1;
    end
  endtask

  function automatic logic [79:0] get(input int at, input int bytes);
    get = 80'd0;
    for (int i = 0; i < bytes; i = i + 1) get = {get[71:0], f[at + i]};
  endfunction

  // Little-endian: bytes in wire order.
  function automatic logic [63:0] raw(input int at, input int bytes);
    raw = 64'd0;
    for (int i = bytes - 1; i >= 0; i = i - 1) raw = {raw[55:0], f[at + i]};
  endfunction

  task automatic set16(input int at, input logic [15:0] value);
    f[at] = value[15:8];
    f[at + 1] = value[7:0];
  endtask

  function automatic logic [15:0] ones_sum(input int at, input int bytes, input int start);
    int s;
    s = start;
    for (int i = 0; i < bytes; i = i + 1) s = s + (i % 2 == 0 ? f[at + i] * 256 : f[at + i]);
    while (s > 65535) s = (s & 65535) + (s >> 16);
    ones_sum = s[15:0];
  endfunction

  // Headers with zero for what `finish` fills in.
  task automatic header(input int tags, input logic [63:0] seq, input logic [15:0] count);
    flen = 0;
    put(6, 80'h01005e360c6f);
    put(6, 80'h020000000001);
    for (int i = 0; i < tags; i = i + 1) put(4, {48'd0, i == 0 ? 16'h88a8 : 16'h8100, 16'd100});
    put(2, 80'h0800);
    ip_at = flen;
    put(4, 80'h45000000);
    put(4, 80'(rnd(65536) * 65536));
    put(4, 80'h40110000);
    put(4, 80'(bits()));
    put(4, 80'(Address));
    put(4, {48'd0, 16'd9999, Port});
    put(4, 80'd0);
    for (int i = 0; i < 10; i = i + 1) put(1, 80'(Session[8*i +: 8]));
    put(8, 80'(seq));
    put(2, 80'(count));
  endtask

  task automatic block(input logic [7:0] kind, input int length);
    put(2, 80'(length));
    for (int i = 0; i < length; i = i + 1) put(1, 80'(rnd(256)));
    if (length > 0) f[flen - length] = kind;
    // Often yes.
    if (length == 36 && rnd(2) == 0) f[flen - 5] = "Y";
    if (length == 39 && rnd(2) == 0) f[flen - 1] = "Y";
  endtask

  task automatic finish(input logic checksum);
    logic [15:0] s;
    set16(ip_at + 2, 16'(flen - ip_at));
    set16(ip_at + 24, 16'(flen - ip_at - 20));
    set16(ip_at + 10, ~ones_sum(ip_at, 20, 0));
    if (checksum) begin
      s = ~ones_sum(ip_at + 12, flen - ip_at - 12, 17 + flen - ip_at - 20);
      set16(ip_at + 26, s == 16'd0 ? 16'hffff : s);
    end
  endtask

  //
  // The model, and what it expects.
  //

  int q_head = 0, q_tail = 0;
  logic [1:0]   q_type [Queue];    // 0 BEGIN, 1 MESSAGE, 2 END
  logic [47:0]  q_seq [Queue];
  logic [2:0]   q_class [Queue];   // known, unknown, wrong length; good, session end
  logic [4:0]   q_kind [Queue];
  logic         q_pass [Queue];
  logic [511:0] q_record [Queue];
  logic [47:0]  q_ticks [Queue];
  int           q_frame [Queue];
  int           q_byte [Queue];
  logic [15:0]  beat_cycle [History * FrameMax / 8];

  int e_head = 0, e_tail = 0;          // frames' classes, in order of their ends
  logic [7:0]  e_pulses [Queue];
  logic [79:0] e_session [Queue];
  int          e_frame [Queue];
  int          e_byte [Queue];

  task automatic expect_event(input logic [1:0] kind, input logic [47:0] seq, input int at);
    q_type[q_tail % Queue] = kind;
    q_seq[q_tail % Queue] = seq;
    q_ticks[q_tail % Queue] = ticks_next;
    q_frame[q_tail % Queue] = frame_id;
    q_byte[q_tail % Queue] = at;
    q_tail = q_tail + 1;
  endtask

  // The record of the message at `m`: hw/abi/abi.toml, host/proto/src/itch_record.rs.
  task automatic expect_message(input logic [47:0] seq, input int m, input int length);
    int kind;
    logic [63:0] price, quantity, order_ref, second_ref;
    logic [15:0] tag;
    logic [7:0]  side, flags;
    kind = -1;
    for (int i = 0; i < Kinds; i = i + 1) if (f[m] == letter(i)) kind = i;
    price = 0; quantity = 0; order_ref = 0; second_ref = 0; tag = 0; side = 0; flags = 0;
    case (f[m])
      "S", "W": tag = 16'(f[m + 11]);
      "R": begin
        order_ref = raw(m + 11, 8); quantity = 64'(get(m + 21, 4)); tag = 16'(raw(m + 27, 2));
        price = 64'(get(m + 34, 4)); flags = f[m + 38] == "Y" ? 8'h08 : 8'h00;
        second_ref = {f[m + 32], f[m + 31], f[m + 30], f[m + 29], f[m + 26], f[m + 25],
                      f[m + 20], f[m + 19]};
      end
      "H": begin
        order_ref = raw(m + 11, 8); tag = 16'(f[m + 19]); second_ref = raw(m + 21, 4);
      end
      "Y", "N": begin order_ref = raw(m + 11, 8); tag = 16'(f[m + 19]); end
      "L": begin
        order_ref = raw(m + 15, 8); second_ref = raw(m + 11, 4) | raw(m + 23, 3) << 32;
      end
      "V": begin
        price = 64'(get(m + 11, 8)); quantity = 64'(get(m + 19, 8));
        order_ref = 64'(get(m + 27, 8));
      end
      "K": begin
        order_ref = raw(m + 11, 8); quantity = 64'(get(m + 19, 4)); tag = 16'(f[m + 23]);
        price = 64'(get(m + 24, 4));
      end
      "J": begin
        price = 64'(get(m + 19, 4)); quantity = 64'(get(m + 23, 4));
        order_ref = 64'(get(m + 27, 4)); second_ref = 64'(get(m + 31, 4));
      end
      "h": begin order_ref = raw(m + 11, 8); tag = {f[m + 19], f[m + 20]}; end
      "A", "F", "P": begin
        order_ref = 64'(get(m + 11, 8)); side = f[m + 19]; quantity = 64'(get(m + 20, 4));
        price = 64'(get(m + 32, 4));
        if (f[m] == "F") second_ref = raw(m + 36, 4);
        if (f[m] == "P") second_ref = 64'(get(m + 36, 8));
      end
      "E", "C", "X", "D": begin
        order_ref = 64'(get(m + 11, 8));
        if (f[m] != "D") quantity = 64'(get(m + 19, 4));
        if (f[m] == "E" || f[m] == "C") second_ref = 64'(get(m + 23, 8));
        if (f[m] == "C") begin
          flags = f[m + 31] == "Y" ? 8'h01 : 8'h00; price = 64'(get(m + 32, 4));
        end
      end
      "U": begin
        order_ref = 64'(get(m + 11, 8)); second_ref = 64'(get(m + 19, 8));
        quantity = 64'(get(m + 27, 4)); price = 64'(get(m + 31, 4));
      end
      "Q": begin
        quantity = 64'(get(m + 11, 8)); order_ref = raw(m + 19, 8); price = 64'(get(m + 27, 4));
        second_ref = 64'(get(m + 31, 8)); tag = 16'(f[m + 39]);
      end
      "B": second_ref = 64'(get(m + 11, 8));
      "I": begin
        quantity = 64'(get(m + 11, 8)); order_ref = 64'(get(m + 19, 8)); side = f[m + 27];
        second_ref = 64'(get(m + 36, 4)) | 64'(get(m + 40, 4)) << 32;
        price = 64'(get(m + 44, 4)); tag = {f[m + 49], f[m + 48]};
      end
      "O": begin
        tag = 16'(f[m + 19]); order_ref = 64'(get(m + 20, 4)) | 64'(get(m + 24, 4)) << 32;
        price = 64'(get(m + 28, 4)); quantity = 64'(get(m + 32, 8));
        second_ref = 64'(get(m + 40, 4)) | 64'(get(m + 44, 4)) << 32;
      end
      default: ;
    endcase
    q_class[q_tail % Queue] = kind < 0 ? 3'b010 : length != lengths[kind] ? 3'b100 : 3'b001;
    q_kind[q_tail % Queue] = 5'(kind);
    q_pass[q_tail % Queue] = pass_all || kind == 0 || kind == 1 || kind == 5 || kind == 6
      || filter[get(m + 1, 2) / 32][get(m + 1, 2) % 32];
    q_record[q_tail % Queue] = {16'd0, ticks_next, 64'(get(m + 5, 6)), second_ref, order_ref,
      quantity, price, tag, 16'(get(m + 1, 2)), flags, Venue, side, f[m], 16'd0, seq};
    expect_event(2'd1, seq, m + length - 1);
  endtask

  logic [47:0] ticks_next;

  // Classes: 1 BAD_FCS, 2 OTHER, 3 MALFORMED, 4 OTHER_SESSION, 5 TRUNCATED, 6 PACKETS.
  task automatic model(input logic fcs_good);
    int at, ip, left, total, udp_length, m, n, stop, length, class_of, count;
    logic begun, empty;
    at = 12;
    begun = 1'b0;
    empty = 1'b0;
    for (int i = 0; i < 2; i = i + 1) begin
      if (flen >= at + 2 && (get(at, 2) == 80'h8100 || get(at, 2) == 80'h88a8)) at = at + 4;
    end
    ip = at + 2;
    left = flen - ip;
    if (left < 24) class_of = 2;
    else if (get(at, 2) != 80'h0800 || f[ip] != 8'h45 || (get(ip + 6, 2) & 80'h3fff) != 0
      || f[ip + 9] != 8'd17 || ones_sum(ip, 20, 0) != 16'hffff || get(ip + 16, 4) != 80'(Address)
      || get(ip + 22, 2) != 80'(Port)) class_of = 2;
    else if (left < 48) class_of = 5;
    else begin
      total = int'(get(ip + 2, 2));
      udp_length = int'(get(ip + 24, 2));
      count = int'(get(ip + 46, 2));
      if (total < 48 || udp_length < 28 || udp_length > total - 20
        || get(ip + 38, 8) >= 80'h1_0000_0000_0000 - 80'd65536) class_of = 3;
      else begin
        class_of = 6;
        for (int i = 0; i < 10; i = i + 1) if (f[ip + 28 + i] != Session[8*i +: 8]) class_of = 4;
      end
      if (class_of == 6) begin
        begun = 1'b1;
        empty = count == 0;
        expect_event(2'd0, 48'(get(ip + 38, 8)), ip + 47);
        stop = ip + 20 + udp_length < flen ? ip + 20 + udp_length : flen;
        if (count == 65535) count = 0;
        m = ip + 48;
        n = 0;
        while (n < count && class_of == 6) begin
          length = int'(get(m, 2));
          if (m + 2 > stop) class_of = 5;
          else if (length < 12) class_of = 3;
          else if (m + 2 + length > stop) class_of = 5;
          else begin
            expect_message(48'(get(ip + 38, 8)) + 48'(n), m + 2, length);
            m = m + 2 + length;
            n = n + 1;
          end
        end
        if (left < total) class_of = 5;
        else if (class_of == 6 && (m != ip + 20 + udp_length || (get(ip + 26, 2) != 0
          && ones_sum(ip + 12, 8 + udp_length, 17 + udp_length) != 16'hffff))) class_of = 3;
        q_class[q_tail % Queue] = {1'b0, get(ip + 46, 2) == 80'hffff, class_of == 6 && fcs_good};
        expect_event(2'd2, 48'd0, flen - 1);
      end
    end
    if (!fcs_good) class_of = 1;
    e_pulses[e_tail % Queue] = 8'd1 | 8'd1 << class_of | 8'(class_of == 6 && empty) << 7;
    for (int i = 0; i < 10; i = i + 1) e_session[e_tail % Queue][8*i +: 8] = f[ip + 28 + i];
    e_frame[e_tail % Queue] = frame_id;
    e_byte[e_tail % Queue] = flen - 1;
    e_tail = e_tail + 1;
    classes[class_of] = classes[class_of] + 1;
  endtask

  int classes [8];
  int messages = 0;

  task automatic idle(input int cycles);
    for (int i = 0; i < cycles; i = i + 1) begin
      tvalid <= 1'b0;
      tdata <= {bits(), bits()};
      tkeep <= 8'(bits());
      tlast <= 1'(bits());
      tuser <= 1'(bits());
      @(posedge clk);
    end
  endtask

  // `gaps`: chance of a cycle without a beat, in 8.
  task automatic play(input logic fcs_good, input int gaps);
    for (int at = 0; at < flen; at = at + 8) begin
      while (rnd(8) < gaps) idle(1);
      tvalid <= 1'b1;
      for (int i = 0; i < 8; i = i + 1) begin
        tkeep[i] <= at + i < flen;
        tdata[8*i +: 8] <= at + i < flen ? f[at + i] : 8'(rnd(256));
      end
      tlast <= at + 8 >= flen;
      tuser <= at + 8 >= flen ? !fcs_good : 1'(bits());
      ticks_in <= at == 0 ? ticks_next : {16'd0, bits()};
      beat_cycle[(frame_id % History) * (FrameMax / 8) + at / 8] = cycle_q + 16'd1;
      @(posedge clk);
    end
    tvalid <= 1'b0;
    frame_id = frame_id + 1;
  endtask

  task automatic send(input logic fcs_good, input int gaps);
    ticks_next = {16'(rnd(65536)), bits()};
    model(fcs_good);
    play(fcs_good, gaps);
  endtask

  //
  // What comes out.
  //

  task automatic fail(input logic [8*24-1:0] what);
    errors = errors + 1;
    if (errors < 20) begin
      $display("%0t: %0s; expected event %0d of %0d: type %0d, frame %0d, byte %0d", $time, what,
        q_head, q_tail, q_type[q_head % Queue], q_frame[q_head % Queue], q_byte[q_head % Queue]);
    end
  endtask

  function automatic logic [15:0] cycle_of(input int frame, input int at);
    cycle_of = beat_cycle[(frame % History) * (FrameMax / 8) + at / 8];
  endfunction

  int h, late;
  always @(posedge clk) if (!rst && !mute) begin
    h = q_head % Queue;
    if (begin_valid + msg_valid + end_valid > 1) fail("more than one event");
    if (begin_valid || msg_valid || end_valid) begin
      late = end_valid ? 8 : begin_valid ? 2 : 3;
      if (q_head == q_tail) fail("an event too many");
      else begin
        if (q_type[h] != (begin_valid ? 2'd0 : msg_valid ? 2'd1 : 2'd2)) fail("another event");
        if (cycle_q != cycle_of(q_frame[h], q_byte[h]) + 16'(late)) fail("another cycle");
        if (ticks != q_ticks[h]) fail("ticks");
        if (begin_valid && begin_seq != q_seq[h]) fail("sequence number of BEGIN");
        if (end_valid && {end_session, end_good} != q_class[h][1:0]) fail("kind of END");
        if (msg_valid) begin
          messages = messages + 1;
          if (msg_seq != q_seq[h]) fail("sequence number");
          if ({msg_badlen, msg_unknown, msg_known} != q_class[h]) fail("class of message");
          if (msg_cycle != cycle_of(q_frame[h], q_byte[h])) fail("msg_cycle_o");
          if (msg_known && msg_kind != q_kind[h]) fail("kind");
          if (msg_known && msg_pass != q_pass[h]) fail("filter");
          if (msg_known && record !== q_record[h]) begin
            fail("record");
            if (errors < 20) $display("  %h\n  %h", record, q_record[h]);
          end
        end
        q_head = q_head + 1;
      end
    end
    if (pulses != 8'd0 || seen_valid) begin
      if (e_head == e_tail) fail("a class too many");
      else begin
        h = e_head % Queue;
        if (pulses != e_pulses[h]) begin
          fail("class");
          if (errors < 20) $display("  frame %0d: %b, %b", e_frame[h], pulses, e_pulses[h]);
        end
        if (cycle_q != cycle_of(e_frame[h], e_byte[h]) + 16'd8) fail("cycle of the class");
        if (seen_valid != pulses[4]) fail("seen_valid_o");
        if (seen_valid && seen_session != e_session[h]) fail("session seen");
        e_head = e_head + 1;
      end
    end
  end

  //
  // Tests.
  //

  task automatic settle(input logic [8*24-1:0] name);
    idle(16);
    if (q_head != q_tail || e_head != e_tail) fail("something is missing");
    q_head = q_tail;
    e_head = e_tail;
    if (errors != 0) $display("after %0s: %0d errors", name, errors);
  endtask

  task automatic directed;
    for (int tags = 0; tags < 4; tags = tags + 1) begin
      for (int gaps = 0; gaps < 5; gaps = gaps + 4) begin
        // Each kind at each alignment, two in a packet, with a checksum and without.
        for (int k = 0; k < Kinds; k = k + 1) begin
          for (int j = 0; j < 8; j = j + 1) begin
            header(tags, 64'(1000 * k), 16'd2);
            block("Z", 12 + j);
            block(letter(k), lengths[k]);
            finish(j[0]);
            send(1'b1, gaps);
          end
        end
        settle("kinds");
        // A packet of three messages, cut at each byte.
        for (int cut = 1; cut <= 160 + 4 * tags; cut = cut + 1) begin
          header(tags, 64'd7, 16'd3);
          block("D", 19);
          block("S", 12);
          block("U", 35);
          finish(1'b1);
          if (cut < flen) flen = cut;
          send(1'b1, gaps);
        end
        settle("cuts");
        // Heartbeat, end of session, link padding, trailing bytes, short block, bad checksums.
        header(tags, 64'd9, 16'd0); finish(1'b1); send(1'b1, gaps);
        header(tags, 64'd9, 16'hffff); finish(1'b1); put(6, 80'd0); send(1'b1, gaps);
        header(tags, 64'd9, 16'hffff); put(1, 80'd0); finish(1'b1); send(1'b1, gaps);
        header(tags, 64'd9, 16'd1); block("A", 36); finish(1'b1); put(9, 80'd1); send(1'b1, gaps);
        header(tags, 64'd9, 16'd1); block("A", 36); put(1, 80'd0); finish(1'b1); send(1'b1, gaps);
        header(tags, 64'd9, 16'd2); block("A", 36); block("D", 11); finish(1'b1); send(1'b1, gaps);
        header(tags, 64'd9, 16'd2); block("A", 36); finish(1'b1); send(1'b1, gaps);
        header(tags, 64'd9, 16'd1); block("A", 36); finish(1'b1); send(1'b0, gaps);
        header(tags, 64'd9, 16'd1); block("A", 36); finish(1'b1);
        f[flen - 1] = f[flen - 1] + 8'd1; send(1'b1, gaps);
        header(tags, 64'd9, 16'd1); block("A", 36); finish(1'b1);
        f[ip_at + 8] = 8'd1; send(1'b1, gaps);
        header(tags, 64'hffff_ffff_0000, 16'd0); finish(1'b0); send(1'b1, gaps);
        header(tags, 64'hffff_fffe_ffff, 16'd0); finish(1'b0); send(1'b1, gaps);
        header(tags, 64'h1_0000_0000_0000, 16'd0); finish(1'b0); send(1'b1, gaps);
        settle("classes");
      end
    end
  endtask

  // A length that says more than the datagram can hold, or wraps around a counter.
  task automatic lengths_out_of_range;
    for (int i = 0; i < 64; i = i + 1) begin
      header(rnd(3), 64'd5, 16'd2);
      put(2, i < 16 ? 80'(65520 + i) : i < 32 ? 80'(65280 + i - 24) : 80'(bits() % 65536));
      for (int j = 0; j < 200; j = j + 1) put(1, 80'(rnd(256)));
      finish(1'b1);
      send(1'b1, 0);
    end
    settle("lengths");
  endtask

  task automatic mutate;
    case (rnd(16))
      0: flen = 1 + rnd(flen);
      1: f[ip_at + rnd(48)] = 8'(rnd(256));
      2: set16(ip_at + 24, 16'(get(ip_at + 24, 2)) + 16'(rnd(9)) - 16'd4);
      3: begin
        set16(ip_at + 2, 16'(get(ip_at + 2, 2)) + 16'(rnd(9)) - 16'd4);
        set16(ip_at + 10, 16'd0);
        set16(ip_at + 10, ~ones_sum(ip_at, 20, 0));
      end
      4: set16(ip_at + 46, 16'(get(ip_at + 46, 2)) + 16'(rnd(3)) - 16'd1);
      5: f[rnd(flen)] = 8'(rnd(256));
      6: put(1 + rnd(10), 80'(rnd(65536)));
      7: begin
        f[ip_at + 28 + rnd(10)] = 8'(rnd(256));
        set16(ip_at + 26, 16'd0);
      end
      8: begin
        set16(ip_at + 24, 16'(rnd(120)));
        set16(ip_at + 26, 16'd0);
      end
      9: flen = 1 + rnd(8);
      default: ;
    endcase
  endtask

  task automatic random_frames(input int frames);
    int count, k;
    for (int n = 0; n < frames; n = n + 1) begin
      count = rnd(6);
      header(rnd(8) == 0 ? 3 : rnd(3), {32'd0, bits()}, 16'(count));
      for (int i = 0; i < count; i = i + 1) begin
        k = rnd(Kinds);
        block(rnd(16) == 0 ? 8'(rnd(256)) : letter(k),
          rnd(16) == 0 ? rnd(70) : int'(lengths[k]));
      end
      finish(rnd(2) == 0);
      if (rnd(2) == 0) mutate();
      send(rnd(10) != 0, rnd(2) == 0 ? 0 : rnd(8));
      if (rnd(4) == 0) idle(rnd(12));
      if (n % 16 == 15) settle("random frames");
      if (n % 64 == 63) pass_all = !pass_all;
    end
    settle("random frames");
  endtask

  // What is under way when the line is switched off or on is ignored, as what it left behind is.
  logic mute = 1'b0;
  task automatic switching;
    for (int cut = 0; cut < 36; cut = cut + 1) begin
      header(0, 64'd1, 16'd2); block("D", 19); block("D", 19); finish(1'b1);
      ticks_next = 48'd1;
      mute = 1'b1;
      fork
        play(1'b1, 0);
        begin
          repeat (1 + cut / 2) @(posedge clk);
          enable <= 1'b0;
          repeat (1 + cut % 2) @(posedge clk);
          enable <= 1'b1;
        end
      join
      @(posedge clk);
      mute = 1'b0;
      send(1'b1, 0);
      settle("switching");
    end
  endtask

  int frames;
  initial begin
    if (!$value$plusargs("seed=%d", seed)) seed = 1;
    state = 32'h9e37_79b9 ^ seed;
    if (!$value$plusargs("frames=%d", frames)) frames = 2000;
    for (int i = 0; i < 8; i = i + 1) classes[i] = 0;
    repeat (4) @(posedge clk);
    rst <= 1'b0;
    for (int i = 0; i < 2048; i = i + 1) begin
      filter[i] = bits();
      filter_we <= 1'b1;
      filter_addr <= 11'(i);
      filter_data <= filter[i];
      @(posedge clk);
    end
    filter_we <= 1'b0;
    enable <= 1'b1;
    idle(4);
    directed();
    lengths_out_of_range();
    random_frames(frames);
    switching();
    $display("%0d frames, %0d messages", frame_id, messages);
    $display("BAD_FCS %0d OTHER %0d MALFORMED %0d OTHER_SESSION %0d", classes[1], classes[2],
      classes[3], classes[4]);
    $display("TRUNCATED %0d PACKETS %0d", classes[5], classes[6]);
    if (errors == 0) $display("PASS");
    else $display("FAIL: %0d errors", errors);
    $finish;
  end

endmodule

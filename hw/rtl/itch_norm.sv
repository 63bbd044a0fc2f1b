// Stage 3 of a line: an ITCH 5.0 message to the fields of a record; hw/abi/abi.toml says which.
//
// The kind is decoded while the message still arrives, into one selection a source of each field,
// so that the last stage is an AND-OR of the message's bytes. Bytes of a message whose length is
// not its kind's are undefined, and so is its record.
//
// Latency: `kind_i` and `length_i` a cycle before `msg_valid_i`; the record in the cycle after it.
// Back-pressure: none, a message a cycle.
module itch_norm (
  input  logic         clk_i,
  input  logic         rst_i,

  input  logic [7:0]   venue_i,
  input  logic         pass_all_i,
  input  logic [15:0]  cycle_i,           // a free-running counter
  input  logic [7:0]   kind_i,            // of the running message
  input  logic [15:0]  length_i,
  input  logic         msg_valid_i,
  input  logic [399:0] msg_body_i,        // byte n at [8n +: 8]
  input  logic [47:0]  msg_seq_i,
  input  logic         hit_i,             // the filter's bit of its locate
  input  logic         live_i,            // the packet had a BEGIN
  input  logic [47:0]  ticks_i,           // of the frame, until its END

  output logic         msg_valid_o,
  output logic [47:0]  msg_seq_o,
  output logic         msg_known_o,       // kind and length right
  output logic         msg_unknown_o,     // not a kind of ITCH 5.0
  output logic         msg_badlen_o,      // of a kind, but not its length
  output logic [4:0]   msg_kind_o,        // in the order of the kinds' counters
  output logic         msg_pass_o,
  output logic [511:0] msg_record_o,      // an event_record_t
  output logic [15:0]  msg_cycle_o        // of the beat with its last byte
);

  localparam int Kinds = 23;
  // From the beat's cycle to the one in which the record is registered.
  localparam logic [15:0] Age = 16'd2;

  // Places in `is`, in the order of the kinds' counters.
  localparam int First = tercel_pkg::CntKindSystemEvent;
  localparam int SystemEvent = tercel_pkg::CntKindSystemEvent - First;
  localparam int Directory = tercel_pkg::CntKindDirectory - First;
  localparam int TradingAction = tercel_pkg::CntKindTradingAction - First;
  localparam int RegSho = tercel_pkg::CntKindRegSho - First;
  localparam int ParticipantPosition = tercel_pkg::CntKindParticipantPosition - First;
  localparam int MwcbLevels = tercel_pkg::CntKindMwcbLevels - First;
  localparam int MwcbStatus = tercel_pkg::CntKindMwcbStatus - First;
  localparam int IpoQuoting = tercel_pkg::CntKindIpoQuoting - First;
  localparam int LuldCollar = tercel_pkg::CntKindLuldCollar - First;
  localparam int OperationalHalt = tercel_pkg::CntKindOperationalHalt - First;
  localparam int Add = tercel_pkg::CntKindAdd - First;
  localparam int AddAttributed = tercel_pkg::CntKindAddAttributed - First;
  localparam int Executed = tercel_pkg::CntKindExecuted - First;
  localparam int ExecutedPrice = tercel_pkg::CntKindExecutedPrice - First;
  localparam int Canceled = tercel_pkg::CntKindCanceled - First;
  localparam int Deleted = tercel_pkg::CntKindDeleted - First;
  localparam int Replaced = tercel_pkg::CntKindReplaced - First;
  localparam int Trade = tercel_pkg::CntKindTrade - First;
  localparam int Cross = tercel_pkg::CntKindCross - First;
  localparam int Broken = tercel_pkg::CntKindBroken - First;
  localparam int Imbalance = tercel_pkg::CntKindImbalance - First;
  localparam int RetailInterest = tercel_pkg::CntKindRetailInterest - First;
  localparam int DirectListing = tercel_pkg::CntKindDirectListing - First;

  // One bit a kind, and whether the length is its.
  logic [Kinds-1:0] is, fits;
  always_comb begin
    is[SystemEvent] = kind_i == tercel_pkg::KindSystemEvent;
    is[Directory] = kind_i == tercel_pkg::KindDirectory;
    is[TradingAction] = kind_i == tercel_pkg::KindTradingAction;
    is[RegSho] = kind_i == tercel_pkg::KindRegSho;
    is[ParticipantPosition] = kind_i == tercel_pkg::KindParticipantPosition;
    is[MwcbLevels] = kind_i == tercel_pkg::KindMwcbLevels;
    is[MwcbStatus] = kind_i == tercel_pkg::KindMwcbStatus;
    is[IpoQuoting] = kind_i == tercel_pkg::KindIpoQuoting;
    is[LuldCollar] = kind_i == tercel_pkg::KindLuldCollar;
    is[OperationalHalt] = kind_i == tercel_pkg::KindOperationalHalt;
    is[Add] = kind_i == tercel_pkg::KindAdd;
    is[AddAttributed] = kind_i == tercel_pkg::KindAddAttributed;
    is[Executed] = kind_i == tercel_pkg::KindExecuted;
    is[ExecutedPrice] = kind_i == tercel_pkg::KindExecutedPrice;
    is[Canceled] = kind_i == tercel_pkg::KindCanceled;
    is[Deleted] = kind_i == tercel_pkg::KindDeleted;
    is[Replaced] = kind_i == tercel_pkg::KindReplaced;
    is[Trade] = kind_i == tercel_pkg::KindTrade;
    is[Cross] = kind_i == tercel_pkg::KindCross;
    is[Broken] = kind_i == tercel_pkg::KindBroken;
    is[Imbalance] = kind_i == tercel_pkg::KindImbalance;
    is[RetailInterest] = kind_i == tercel_pkg::KindRetailInterest;
    is[DirectListing] = kind_i == tercel_pkg::KindDirectListing;
    fits[SystemEvent] = length_i == 16'd12;
    fits[Directory] = length_i == 16'd39;
    fits[TradingAction] = length_i == 16'd25;
    fits[RegSho] = length_i == 16'd20;
    fits[ParticipantPosition] = length_i == 16'd26;
    fits[MwcbLevels] = length_i == 16'd35;
    fits[MwcbStatus] = length_i == 16'd12;
    fits[IpoQuoting] = length_i == 16'd28;
    fits[LuldCollar] = length_i == 16'd35;
    fits[OperationalHalt] = length_i == 16'd21;
    fits[Add] = length_i == 16'd36;
    fits[AddAttributed] = length_i == 16'd40;
    fits[Executed] = length_i == 16'd31;
    fits[ExecutedPrice] = length_i == 16'd36;
    fits[Canceled] = length_i == 16'd23;
    fits[Deleted] = length_i == 16'd19;
    fits[Replaced] = length_i == 16'd35;
    fits[Trade] = length_i == 16'd44;
    fits[Cross] = length_i == 16'd40;
    fits[Broken] = length_i == 16'd19;
    fits[Imbalance] = length_i == 16'd50;
    fits[RetailInterest] = length_i == 16'd20;
    fits[DirectListing] = length_i == 16'd48;
  end

  logic [4:0] index;
  always_comb begin
    index = 5'd0;
    for (int i = 0; i < Kinds; i = i + 1) index = index | ({5{is[i]}} & 5'(i));
  end

  // Registered selections: a name says field, form and first byte. `num`: eight bytes, `short`:
  // four, `pair`: twice four, big-endian; `text`: in wire order.
  logic order_num11_q, order_text11_q, order_text15_q, order_text19_q, order_num19_q,
    order_num27_q, order_short27_q, order_pair20_q, quantity_short20_q, quantity_short19_q,
    quantity_short27_q, quantity_short21_q, quantity_short23_q, quantity_num11_q,
    quantity_num19_q, quantity_num32_q, price_short32_q, price_short31_q, price_short27_q,
    price_short44_q, price_short34_q, price_short24_q, price_short19_q, price_short28_q,
    price_num11_q, second_num23_q, second_num19_q, second_num36_q, second_num31_q,
    second_num11_q, second_pair36_q, second_pair40_q, second_short31_q, second_text36_q,
    second_text21_q, second_mpid_q, second_codes_q, tag11_q, tag19_q, tag23_q, tag39_q, tag27_q,
    tag20_q, tag48_q, side19_q, side27_q, printable_q, inverse_q;
  // In parts, so that a cycle has few kinds to join: of four kinds each, whether it is one of them,
  // and whether its length is right too.
  logic [23:0] padded_is, padded_good;
  logic [5:0] kind_part_q, good_part_q;
  logic always_q;
  logic [4:0] index_q;

  assign padded_is = {1'b0, is};
  assign padded_good = {1'b0, is & fits};

  always_ff @(posedge clk_i) begin
    for (int part = 0; part < 6; part = part + 1) begin
      kind_part_q[part] <= |padded_is[4*part +: 4];
      good_part_q[part] <= |padded_good[4*part +: 4];
    end
    index_q   <= index;
    // What concerns the whole market or names an instrument passes whatever the filter says.
    always_q  <= is[SystemEvent] || is[Directory] || is[MwcbLevels] || is[MwcbStatus];
    order_num11_q <= is[Add] || is[AddAttributed] || is[Executed] || is[ExecutedPrice]
      || is[Canceled] || is[Deleted] || is[Replaced] || is[Trade];
    order_text11_q <= is[Directory] || is[TradingAction] || is[RegSho] || is[IpoQuoting]
      || is[OperationalHalt] || is[RetailInterest];
    order_text15_q <= is[ParticipantPosition];
    order_text19_q <= is[Cross];
    order_num19_q <= is[Imbalance];
    order_num27_q <= is[MwcbLevels];
    order_short27_q <= is[LuldCollar];
    order_pair20_q <= is[DirectListing];
    quantity_short20_q <= is[Add] || is[AddAttributed] || is[Trade];
    quantity_short19_q <= is[Executed] || is[ExecutedPrice] || is[Canceled] || is[IpoQuoting];
    quantity_short27_q <= is[Replaced];
    quantity_short21_q <= is[Directory];
    quantity_short23_q <= is[LuldCollar];
    quantity_num11_q <= is[Cross] || is[Imbalance];
    quantity_num19_q <= is[MwcbLevels];
    quantity_num32_q <= is[DirectListing];
    price_short32_q <= is[Add] || is[AddAttributed] || is[Trade] || is[ExecutedPrice];
    price_short31_q <= is[Replaced];
    price_short27_q <= is[Cross];
    price_short44_q <= is[Imbalance];
    price_short34_q <= is[Directory];
    price_short24_q <= is[IpoQuoting];
    price_short19_q <= is[LuldCollar];
    price_short28_q <= is[DirectListing];
    price_num11_q <= is[MwcbLevels];
    second_num23_q <= is[Executed] || is[ExecutedPrice];
    second_num19_q <= is[Replaced];
    second_num36_q <= is[Trade];
    second_num31_q <= is[Cross];
    second_num11_q <= is[Broken];
    second_pair36_q <= is[Imbalance];
    second_pair40_q <= is[DirectListing];
    second_short31_q <= is[LuldCollar];
    second_text36_q <= is[AddAttributed];
    second_text21_q <= is[TradingAction];
    second_mpid_q <= is[ParticipantPosition];
    second_codes_q <= is[Directory];
    tag11_q <= is[SystemEvent] || is[MwcbStatus];
    tag19_q <= is[TradingAction] || is[RegSho] || is[RetailInterest] || is[DirectListing];
    tag23_q <= is[IpoQuoting];
    tag39_q <= is[Cross];
    tag27_q <= is[Directory];
    tag20_q <= is[OperationalHalt];
    tag48_q <= is[Imbalance];
    side19_q <= is[Add] || is[AddAttributed] || is[Trade];
    side27_q <= is[Imbalance];
    printable_q <= is[ExecutedPrice];
    inverse_q <= is[Directory];
  end

  function automatic logic [31:0] be32(input logic [31:0] b);
    be32 = {b[7:0], b[15:8], b[23:16], b[31:24]};
  endfunction
  function automatic logic [63:0] be64(input logic [63:0] b);
    be64 = {be32(b[31:0]), be32(b[63:32])};
  endfunction
  function automatic logic [63:0] pair(input logic [63:0] b);
    pair = {be32(b[63:32]), be32(b[31:0])};
  endfunction

  logic [63:0] order_ref, quantity, price, second_ref, exchange_time;
  logic [15:0] tag;
  logic [7:0]  side, flags;
  always_comb begin
    order_ref = ({64{order_num11_q}} & be64(msg_body_i[151:88]))
      | ({64{order_text11_q}} & msg_body_i[151:88])
      | ({64{order_text15_q}} & msg_body_i[183:120])
      | ({64{order_text19_q}} & msg_body_i[215:152])
      | ({64{order_num19_q}} & be64(msg_body_i[215:152]))
      | ({64{order_num27_q}} & be64(msg_body_i[279:216]))
      | ({64{order_short27_q}} & {32'd0, be32(msg_body_i[247:216])})
      | ({64{order_pair20_q}} & pair(msg_body_i[223:160]));
    quantity = ({64{quantity_short20_q}} & {32'd0, be32(msg_body_i[191:160])})
      | ({64{quantity_short19_q}} & {32'd0, be32(msg_body_i[183:152])})
      | ({64{quantity_short27_q}} & {32'd0, be32(msg_body_i[247:216])})
      | ({64{quantity_short21_q}} & {32'd0, be32(msg_body_i[199:168])})
      | ({64{quantity_short23_q}} & {32'd0, be32(msg_body_i[215:184])})
      | ({64{quantity_num11_q}} & be64(msg_body_i[151:88]))
      | ({64{quantity_num19_q}} & be64(msg_body_i[215:152]))
      | ({64{quantity_num32_q}} & be64(msg_body_i[319:256]));
    price = ({64{price_short32_q}} & {32'd0, be32(msg_body_i[287:256])})
      | ({64{price_short31_q}} & {32'd0, be32(msg_body_i[279:248])})
      | ({64{price_short27_q}} & {32'd0, be32(msg_body_i[247:216])})
      | ({64{price_short44_q}} & {32'd0, be32(msg_body_i[383:352])})
      | ({64{price_short34_q}} & {32'd0, be32(msg_body_i[303:272])})
      | ({64{price_short24_q}} & {32'd0, be32(msg_body_i[223:192])})
      | ({64{price_short19_q}} & {32'd0, be32(msg_body_i[183:152])})
      | ({64{price_short28_q}} & {32'd0, be32(msg_body_i[255:224])})
      | ({64{price_num11_q}} & be64(msg_body_i[151:88]));
    second_ref = ({64{second_num23_q}} & be64(msg_body_i[247:184]))
      | ({64{second_num19_q}} & be64(msg_body_i[215:152]))
      | ({64{second_num36_q}} & be64(msg_body_i[351:288]))
      | ({64{second_num31_q}} & be64(msg_body_i[311:248]))
      | ({64{second_num11_q}} & be64(msg_body_i[151:88]))
      | ({64{second_pair36_q}} & pair(msg_body_i[351:288]))
      | ({64{second_pair40_q}} & pair(msg_body_i[383:320]))
      | ({64{second_short31_q}} & {32'd0, be32(msg_body_i[279:248])})
      | ({64{second_text36_q}} & {32'd0, msg_body_i[319:288]})
      | ({64{second_text21_q}} & {32'd0, msg_body_i[199:168]})
      | ({64{second_mpid_q}} & {8'd0, msg_body_i[207:184], msg_body_i[119:88]})
      | ({64{second_codes_q}} & {msg_body_i[263:232], msg_body_i[215:200], msg_body_i[167:152]});
    tag = ({16{tag11_q}} & {8'd0, msg_body_i[95:88]})
      | ({16{tag19_q}} & {8'd0, msg_body_i[159:152]})
      | ({16{tag23_q}} & {8'd0, msg_body_i[191:184]})
      | ({16{tag39_q}} & {8'd0, msg_body_i[319:312]})
      | ({16{tag27_q}} & {msg_body_i[231:224], msg_body_i[223:216]})
      | ({16{tag20_q}} & {msg_body_i[159:152], msg_body_i[167:160]})
      | ({16{tag48_q}} & {msg_body_i[399:392], msg_body_i[391:384]});
    side = ({8{side19_q}} & msg_body_i[159:152]) | ({8{side27_q}} & msg_body_i[223:216]);
    flags = (printable_q && msg_body_i[255:248] == "Y" ? tercel_pkg::FlagPrintable : 8'd0)
      | (inverse_q && msg_body_i[311:304] == "Y" ? tercel_pkg::FlagInverse : 8'd0);
    exchange_time = {16'd0, be32(msg_body_i[71:40]), msg_body_i[79:72], msg_body_i[87:80]};
  end

  logic        valid_q, out_known_q, out_unknown_q, out_badlen_q, pass_q;
  logic [4:0]  out_index_q;
  logic [47:0] seq_q;
  logic [15:0] cycle_q, tag_q, locate_q;
  logic [7:0]  kind_q, side_q, flags_q;
  logic [63:0] order_ref_q, quantity_q, price_q, second_ref_q, exchange_time_q;

  always_ff @(posedge clk_i) begin
    valid_q         <= msg_valid_i && live_i;
    out_known_q     <= |good_part_q;
    out_unknown_q   <= kind_part_q == '0;
    out_badlen_q    <= kind_part_q != '0 && good_part_q == '0;
    out_index_q     <= index_q;
    pass_q          <= pass_all_i || always_q || hit_i;
    seq_q           <= msg_seq_i;
    cycle_q         <= cycle_i - Age;
    kind_q          <= msg_body_i[7:0];
    locate_q        <= {msg_body_i[15:8], msg_body_i[23:16]};
    tag_q           <= tag;
    side_q          <= side;
    flags_q         <= flags;
    order_ref_q     <= order_ref;
    quantity_q      <= quantity;
    price_q         <= price;
    second_ref_q    <= second_ref;
    exchange_time_q <= exchange_time;
    if (rst_i) valid_q <= 1'b0;
  end

  // The tracking number is in no record.
  logic [15:0] unused_tracking;
  assign unused_tracking = msg_body_i[39:24];

  typedef tercel_pkg::event_record_t record_t;
  record_t record;
  always_comb begin
    record.receive_time = {16'd0, ticks_i};
    record.exchange_time = exchange_time_q;
    record.second_ref = second_ref_q;
    record.order_ref = order_ref_q;
    record.quantity = quantity_q;
    record.price = price_q;
    record.tag = tag_q;
    record.instrument = locate_q;
    record.flags = flags_q;
    record.venue = venue_i;
    record.side = side_q;
    record.kind = kind_q;
    record.seq = {16'd0, seq_q};
  end

  assign msg_record_o = record;
  assign msg_valid_o = valid_q;
  assign msg_seq_o = seq_q;
  assign msg_known_o = out_known_q;
  assign msg_unknown_o = out_unknown_q;
  assign msg_badlen_o = out_badlen_q;
  assign msg_kind_o = out_index_q;
  assign msg_pass_o = pass_q;
  assign msg_cycle_o = cycle_q;

endmodule

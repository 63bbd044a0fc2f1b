// The class of a frame, out of what is known about it when it has ended.
//
// The parts come at different times: headers and framing in the second cycle after the last beat,
// `exact_i` in the fourth, `ip_ok_i` in the fifth, `udp_ok_i` in the seventh. The rest is delayed
// to meet them, so that frames may end in every cycle.
//
// Latency: class and END are there in the eighth cycle after the last beat. Back-pressure: none.
module frame_verdict (
  input  logic clk_i,
  input  logic rst_i,

  // In the second cycle after the frame's last beat.
  input  logic last_i,
  input  logic bad_fcs_i,
  input  logic other_i,          // not for this line, but for the header checksum
  input  logic header_cut_i,     // the MoldUDP64 header is not complete
  input  logic bad_header_i,     // contradictory lengths, or a sequence number out of range
  input  logic other_session_i,
  input  logic cut_i,            // fewer bytes than the IP total length
  input  logic no_checksum_i,    // UDP without a checksum
  input  logic empty_i,          // count 0
  input  logic session_end_i,    // count 0xffff
  input  logic open_i,           // messages announced are not there, or not to their end
  input  logic short_i,          // a block shorter than any message

  input  logic exact_i,          // in the fourth: the blocks fill the datagram
  input  logic ip_ok_i,          // in the fifth
  input  logic udp_ok_i,         // in the seventh
  input  logic live_i,           // in the seventh: the packet had a BEGIN

  output logic done_o,           // in the seventh: this frame is over
  output logic end_valid_o,
  output logic end_good_o,
  output logic end_session_o,
  output logic cnt_frame_o,
  output logic cnt_bad_fcs_o,
  output logic cnt_other_o,
  output logic cnt_malformed_o,
  output logic cnt_other_session_o,
  output logic cnt_truncated_o,
  output logic cnt_packet_o,
  output logic cnt_heartbeat_o
);

  typedef struct packed {
    logic bad_fcs;
    logic other;
    logic header_cut;
    logic bad_header;
    logic other_session;
    logic truncated;
    logic malformed;
    logic no_checksum;
    logic empty;
    logic session_end;
  } parts_t;

  // Number n: the state in the nth cycle after the last beat.
  logic   valid3_q, valid4_q, valid5_q, valid6_q, valid7_q;
  parts_t parts3_q, parts4_q, parts5_q, parts6_q, parts7_q;
  parts_t parts2, parts4, parts5;

  always_comb begin
    parts2.bad_fcs = bad_fcs_i;
    parts2.other = other_i;
    parts2.header_cut = header_cut_i;
    parts2.bad_header = bad_header_i;
    parts2.other_session = other_session_i;
    parts2.truncated = cut_i || (open_i && !short_i);
    parts2.malformed = short_i;
    parts2.no_checksum = no_checksum_i;
    parts2.empty = empty_i;
    parts2.session_end = session_end_i;
    parts4 = parts4_q;
    parts4.malformed = parts4_q.malformed || !exact_i;
    parts5 = parts5_q;
    parts5.other = parts5_q.other || !ip_ok_i;
  end

  // One class each, in the order of precedence.
  logic bad_fcs, other, header_cut, bad_header, other_session, truncated, malformed, good;
  always_comb begin
    bad_fcs = valid7_q && parts7_q.bad_fcs;
    other = valid7_q && !parts7_q.bad_fcs && parts7_q.other;
    header_cut = valid7_q && !parts7_q.bad_fcs && !parts7_q.other && parts7_q.header_cut;
    bad_header = valid7_q && !parts7_q.bad_fcs && !parts7_q.other && !parts7_q.header_cut
      && parts7_q.bad_header;
    other_session = valid7_q && !parts7_q.bad_fcs && !parts7_q.other && !parts7_q.header_cut
      && !parts7_q.bad_header && parts7_q.other_session;
    truncated = valid7_q && live_i && !parts7_q.bad_fcs && parts7_q.truncated;
    malformed = valid7_q && live_i && !parts7_q.bad_fcs && !parts7_q.truncated
      && (parts7_q.malformed || !(parts7_q.no_checksum || udp_ok_i));
    good = valid7_q && live_i && !parts7_q.bad_fcs && !parts7_q.truncated
      && !parts7_q.malformed && (parts7_q.no_checksum || udp_ok_i);
  end

  always_ff @(posedge clk_i) begin
    valid3_q <= last_i;
    valid4_q <= valid3_q;
    valid5_q <= valid4_q;
    valid6_q <= valid5_q;
    valid7_q <= valid6_q;
    parts3_q <= parts2;
    parts4_q <= parts3_q;
    parts5_q <= parts4;
    parts6_q <= parts5;
    parts7_q <= parts6_q;

    end_valid_o         <= valid7_q && live_i;
    end_good_o          <= good;
    end_session_o       <= parts7_q.session_end;
    cnt_frame_o         <= valid7_q;
    cnt_bad_fcs_o       <= bad_fcs;
    cnt_other_o         <= other;
    cnt_malformed_o     <= bad_header || malformed;
    cnt_other_session_o <= other_session;
    cnt_truncated_o     <= header_cut || truncated;
    cnt_packet_o        <= good;
    cnt_heartbeat_o     <= good && parts7_q.empty;

    if (rst_i) begin
      valid3_q            <= 1'b0;
      valid4_q            <= 1'b0;
      valid5_q            <= 1'b0;
      valid6_q            <= 1'b0;
      valid7_q            <= 1'b0;
      end_valid_o         <= 1'b0;
      cnt_frame_o         <= 1'b0;
      cnt_bad_fcs_o       <= 1'b0;
      cnt_other_o         <= 1'b0;
      cnt_malformed_o     <= 1'b0;
      cnt_other_session_o <= 1'b0;
      cnt_truncated_o     <= 1'b0;
      cnt_packet_o        <= 1'b0;
      cnt_heartbeat_o     <= 1'b0;
    end
  end

  assign done_o = valid7_q;

endmodule

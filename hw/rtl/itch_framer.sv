// Stage 2 of a line: cuts the datagram into message blocks, at a beat a cycle and any alignment.
//
// What is kept from beat to beat is where the next length field ends: `beats_q` beats ahead, in
// lane `lane_q`. A message ends two bytes before that. A block has 14 bytes at least, so that at
// most one message ends and one starts in a beat: one rotator moves the running message into
// place, a second one the head of the message that starts.
//
// It frames whatever comes; stage 1 says which packets count. A block too short, or one whose
// length is not there, ends the framing of the packet.
//
// Latency: a message is there in the cycle after its last byte's beat was put in; `open_o` and
// `short_o` in the cycle after the last beat was, `exact_o` in the third. `kind_o`, `length_o` and
// `locate_o` are of the running message: a kind is there a cycle before `msg_valid_o` at least.
// Back-pressure: none, a beat a cycle.
module itch_framer (
  input  logic             clk_i,
  input  logic             rst_i,

  input  logic             blk_valid_i,  // see frame_rx
  input  logic             blk_first_i,
  input  logic             blk_last_i,
  input  logic [63:0]      blk_data_i,
  input  logic [7:0]       blk_keep_i,
  input  logic             blk_odd_i,
  input  logic [7:0][15:0] blk_len_i,
  input  logic [7:0][15:0] blk_next_i,
  input  logic [7:0]       blk_one_i,
  input  logic [7:0]       blk_two_i,
  input  logic [7:0]       blk_bad_i,
  input  logic [7:0]       blk_short_i,
  input  logic [15:0]      blk_count_i,
  input  logic             blk_more_i,
  input  logic             blk_one_left_i,
  input  logic [15:0]      blk_bytes_i,
  input  logic             seq_valid_i,
  input  logic [47:0]      seq_i,

  output logic             msg_valid_o,
  output logic [399:0]     msg_body_o,   // byte n at [8n +: 8]; undefined behind its length
  output logic [47:0]      msg_seq_o,
  output logic [7:0]       kind_o,
  output logic [15:0]      length_o,
  output logic [15:0]      locate_o,

  output logic             open_o,       // messages announced are not there, or not to their end
  output logic             short_o,      // a block shorter than any message
  output logic             exact_o       // the blocks fill the datagram; if neither of the above
);

  localparam int BodyBytes = 50;  // the longest message, NOII

  // The place of the next length field's low byte. `here_q`: in this beat; `edge_q`: in lane 0 or 1
  // of the next one, so that the running message ends in this one.
  logic [12:0] beats_q;
  logic [2:0]  lane_q;
  logic        here_q, edge_q;
  logic        busy_q, dead_q, short_q, in_msg_q;
  logic [15:0] left_q;
  logic        more_q, one_left_q;

  logic [15:0] left;
  logic        more, one_left;
  assign left = blk_first_i ? blk_count_i : left_q;
  assign more = blk_first_i ? blk_more_i : more_q;
  assign one_left = blk_first_i ? blk_one_left_i : one_left_q;

  // A message ends two lanes before the length field.
  logic [7:0] keep_end;
  logic       end_ok, start, start_ok, start_short;
  assign keep_end = {blk_keep_i[5:0], blk_keep_i[7:6]};
  assign end_ok = in_msg_q && !dead_q && keep_end[lane_q] && (edge_q || (here_q && |lane_q[2:1]));
  assign start = here_q && more && !dead_q;
  assign start_ok = start && !blk_bad_i[lane_q];
  assign start_short = start && blk_short_i[lane_q];

  logic [15:0] next_place;
  assign next_place = blk_next_i[lane_q];

  //
  // The body. `shift_q`: lane of the message's first byte; `word_q`: bit n in its nth beat;
  // `wrap_q`: bytes of a rotated beat that belong to the word before.
  //

  logic [2:0]   shift_q, shift_new;
  logic [7:0]   wrap_q, word_q;
  logic [127:0] twice;
  logic [63:0]  rotated, head;
  logic [399:0] body_q, body;
  assign shift_new = lane_q + 3'd1;
  assign twice = {blk_data_i, blk_data_i};
  assign rotated = twice[{1'b0, shift_q, 3'b000} +: 64];
  assign head = twice[{1'b0, shift_new, 3'b000} +: 64];

  always_comb begin
    body = body_q;
    for (int i = 0; i < BodyBytes; i = i + 1) begin
      if (wrap_q[i % 8] ? word_q[i / 8 + 1] : word_q[i / 8]) begin
        body[8*i +: 8] = rotated[8*(i % 8) +: 8];
      end
    end
  end

  logic        msg_valid_q, started_q, open_q, short_end_q, exact_q;
  logic [399:0] msg_body_q;
  logic [47:0] seq_q;
  logic [15:0] length_q, rest_q;

  always_ff @(posedge clk_i) begin
    msg_valid_q <= blk_valid_i && end_ok;
    started_q   <= blk_valid_i && start_ok;
    if (blk_valid_i) begin
      msg_body_q <= body;
      body_q     <= body;
      word_q     <= {word_q[6:0], 1'b0};
      busy_q     <= !blk_last_i;
      beats_q    <= beats_q - 13'd1;
      here_q     <= beats_q == 13'd1;
      edge_q     <= beats_q == 13'd2 && lane_q[2:1] == 2'd0;
      if (here_q) begin
        // Right only where a message starts; where none does, the framing is over.
        beats_q      <= next_place[15:3];
        lane_q       <= next_place[2:0];
        here_q       <= blk_one_i[lane_q];
        edge_q       <= blk_two_i[lane_q];
        length_q     <= blk_len_i[lane_q];
        body_q[63:0] <= head;
        shift_q      <= shift_new;
        word_q       <= (lane_q == 3'd7) ? 8'h01 : 8'h02;
        for (int j = 0; j < 8; j = j + 1) wrap_q[j] <= {1'b0, shift_new} + 4'(j) > 4'd7;
      end
      left_q     <= start_ok ? left - 16'd1 : left;
      more_q     <= start_ok ? !one_left : more;
      one_left_q <= start_ok ? left == 16'd2 : one_left;
      in_msg_q   <= start_ok || (in_msg_q && !end_ok);
      dead_q     <= dead_q || (here_q && !start_ok);
      short_q    <= short_q || start_short;
      if (blk_last_i) begin
        open_q      <= start_ok || (in_msg_q && !end_ok) || more;
        short_end_q <= short_q || start_short;
        here_q      <= 1'b1;
        edge_q      <= 1'b0;
        in_msg_q    <= 1'b0;
        dead_q      <= 1'b0;
        short_q     <= 1'b0;
      end
    end else if (!busy_q) begin
      lane_q <= blk_odd_i ? 3'd3 : 3'd7;
    end

    // Bytes of the datagram less its blocks: modulo 2^16, as they are there to their end.
    if (blk_valid_i && blk_first_i) rest_q <= blk_bytes_i - {blk_count_i[14:0], 1'b0};
    else if (started_q) rest_q <= rest_q - length_q;
    exact_q <= rest_q == 16'd0;

    if (seq_valid_i) seq_q <= seq_i;
    else if (msg_valid_q) seq_q <= seq_q + 48'd1;

    if (rst_i) begin
      msg_valid_q <= 1'b0;
      started_q   <= 1'b0;
      busy_q      <= 1'b0;
      here_q      <= 1'b1;
      edge_q      <= 1'b0;
      in_msg_q    <= 1'b0;
      dead_q      <= 1'b0;
      short_q     <= 1'b0;
    end
  end

  assign msg_valid_o = msg_valid_q;
  assign msg_body_o = msg_body_q;
  assign msg_seq_o = seq_q;
  assign kind_o = body_q[7:0];
  assign length_o = length_q;
  assign locate_o = {body_q[15:8], body_q[23:16]};
  assign open_o = open_q;
  assign short_o = short_end_q;
  assign exact_o = exact_q;

endmodule

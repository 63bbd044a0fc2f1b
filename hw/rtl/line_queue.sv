// The events of one line on their way to the merge, which takes one event a cycle from two lines.
//
// Latency: none while the queue is empty, the event of this cycle is the head; else its turn.
// Back-pressure: the wire never waits. Messages are taken while fewer than Depth - Reserve events
// wait; one that comes later is ignored with the rest of its packet, a pulse of drop_o each. The
// reserve is for BEGIN and END: a frame of the least size brings one of each in eight cycles, and
// the merge prefers a line that is urgent, so that the reserve does not fill.
module line_queue #(
  parameter int Depth = tercel_pkg::LineQueue
) (
  input  logic                       clk_i,
  input  logic                       rst_i,
  // From line_rx: at most one of the three a cycle.
  input  logic                       begin_valid_i,
  input  logic [47:0]                begin_seq_i,
  input  logic                       msg_valid_i,
  input  logic [47:0]                msg_seq_i,
  input  logic                       msg_unknown_i,
  input  logic                       msg_badlen_i,
  input  logic [4:0]                 msg_kind_i,
  input  logic                       msg_pass_i,
  input  logic [511:0]               msg_record_i,   // an event_record_t
  input  logic [15:0]                msg_cycle_i,
  input  logic                       end_valid_i,
  input  logic                       end_good_i,
  input  logic                       end_session_i,
  input  logic [47:0]                ticks_i,
  // The oldest event: one of the three or none.
  output logic                       is_begin_o,
  output logic                       is_message_o,
  output logic                       is_end_o,
  output logic                       good_o,
  output logic                       session_o,
  output logic                       unknown_o,
  output logic                       badlen_o,
  output logic                       pass_o,
  output logic [4:0]                 kind_o,
  output logic [15:0]                cycle_o,
  output logic [511:0]               record_o,       // of BEGIN and END only seq, receive_time
  output logic                       urgent_o,
  input  logic                       take_i,
  output logic                       drop_o
);

  localparam int Reserve = 4;
  localparam int IndexBits = $clog2(Depth);
  localparam int CountBits = IndexBits + 1;
  localparam logic [CountBits-1:0] Limit = CountBits'(Depth - Reserve);
  localparam logic [CountBits-1:0] Full = CountBits'(Depth);

  typedef struct packed {
    logic         is_begin;
    logic         is_message;
    logic         is_end;
    logic         good;
    logic         session;
    logic         unknown;
    logic         badlen;
    logic         pass;
    logic [4:0]   kind;
    logic [15:0]  cycle;
    logic [511:0] record;
  } entry_t;


  localparam int EntryBits = 8 + 5 + 16 + 512;

  logic [EntryBits-1:0] mem_q [Depth];
  logic [IndexBits-1:0] write_q, read_q;
  logic [CountBits-1:0] count_q;
  logic open_q;  // a BEGIN has come since the reset, so that a frame cut by a start has no effect
  logic dropping_q;

  logic empty, full, crowded, in_valid, in_message, push, pop;
  record_t in_record;
  entry_t in_entry, head;

  assign empty = count_q == '0;
  assign full = count_q == Full;
  assign crowded = count_q >= Limit;
  assign in_message = msg_valid_i && open_q && !dropping_q;
  assign in_valid = ((begin_valid_i || (end_valid_i && open_q)) && !full)
      || (in_message && !crowded);

  always_comb begin
    in_record = msg_record_i;
    in_record.seq = {16'd0, begin_valid_i ? begin_seq_i : msg_seq_i};
    if (!msg_valid_i) in_record.receive_time = {16'd0, ticks_i};
    in_entry.is_begin = begin_valid_i;
    in_entry.is_message = msg_valid_i;
    in_entry.is_end = end_valid_i;
    in_entry.good = end_good_i;
    in_entry.session = end_session_i;
    in_entry.unknown = msg_unknown_i;
    in_entry.badlen = msg_badlen_i;
    in_entry.pass = msg_pass_i;
    in_entry.kind = msg_kind_i;
    in_entry.cycle = msg_cycle_i;
    in_entry.record = in_record;
  end

  assign head = empty ? in_entry : mem_q[read_q];
  assign is_begin_o = head.is_begin && (in_valid || !empty);
  assign is_message_o = head.is_message && (in_valid || !empty);
  assign is_end_o = head.is_end && (in_valid || !empty);
  assign good_o = head.good;
  assign session_o = head.session;
  assign unknown_o = head.unknown;
  assign badlen_o = head.badlen;
  assign pass_o = head.pass;
  assign kind_o = head.kind;
  assign cycle_o = head.cycle;
  assign record_o = head.record;
  assign urgent_o = crowded;

  assign pop = take_i && !empty;
  assign push = in_valid && !(take_i && empty);

  // The memory is written before it is known whether the event passes by, as take_i comes late and
  // would have to reach every bit of it. Not when full: the place then is that of the head.
  always_ff @(posedge clk_i) begin
    if (!full) mem_q[write_q] <= in_entry;
  end

  always_ff @(posedge clk_i) begin
    if (push) write_q <= write_q + 1'b1;
    if (pop) read_q <= read_q + 1'b1;
    if (push && !pop) count_q <= count_q + 1'b1;
    if (pop && !push) count_q <= count_q - 1'b1;
    if (begin_valid_i) begin
      open_q <= !full;
      dropping_q <= 1'b0;
    end else if (in_message && crowded) begin
      dropping_q <= 1'b1;
    end
    drop_o <= msg_valid_i && open_q && (dropping_q || crowded);
    if (rst_i) begin
      write_q <= '0;
      read_q <= '0;
      count_q <= '0;
      open_q <= 1'b0;
      dropping_q <= 1'b0;
      drop_o <= 1'b0;
    end
  end

endmodule

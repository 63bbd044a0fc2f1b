// The rules by which two lines become one feed, as a machine that does one event a clock cycle.
//
// `expected` is the next new number; [hole, hole_end) is what the last gap left open. The proof of
// these rules says that no number is handed out twice unless it was retracted, and that none is
// passed over unless a GAP_OPEN or RETRACT named it. The proof of line_merge says that the RTL does
// what this machine does.
`default_nettype none
module merge_rules #(
    parameter int unsigned Width = 48
) (
    input  wire              clk,
    input  wire              rst,
    input  wire  [Width-1:0] next_seq,       // first number expected, taken while in reset
    // One event.
    input  wire              is_begin,
    input  wire              is_message,
    input  wire              is_end,
    input  wire              line,
    input  wire  [Width-1:0] seq,            // of BEGIN and MESSAGE
    input  wire              good,           // of END
    // What it leads to, in the same cycle.
    output logic             is_new,
    output logic             is_fill,
    output logic             is_duplicate,
    output logic             is_far,
    output logic             opens,          // GAP_OPEN
    output logic [Width-1:0] gap_from,
    output logic [Width-1:0] gap_count,
    output logic             closes,         // GAP_CLOSED
    output logic [Width-1:0] closed_at,
    output logic             retracts,       // RETRACT
    output logic [Width-1:0] void_from,
    output logic [Width-1:0] void_count,
    output logic [Width-1:0] void_next,
    // State.
    output logic [Width-1:0] expected,
    output logic [Width-1:0] hole,
    output logic [Width-1:0] hole_end,
    output logic [1:0]       refused,
    output logic [1:0]       jumped,
    output logic [1:0]       closing,
    output logic [1:0]       taken,          // the packet has brought something
    output logic [1:0][Width-1:0] close_at,
    output logic [1:0][Width-1:0] first,     // what it brought: [first, last)
    output logic [1:0][Width-1:0] last
);

  localparam logic [Width-1:0] FarAhead = Width'(1) << (Width > 16 ? Width - 16 : Width - 2);

  wire heard = !refused[line];
  wire fell_back = is_end && heard && !good && jumped[line];
  wire took_back = is_end && heard && !good && !jumped[line] && taken[line];

  always_comb begin
    is_new = is_message && heard && seq == expected;
    is_fill = is_message && heard && seq != expected && hole != hole_end && seq == hole;
    is_duplicate = is_message && heard && !is_new && !is_fill;
    is_far = is_begin && expected != 0 && seq > expected && seq - expected > FarAhead;
    opens = is_begin && seq > expected && !is_far;
    gap_from = expected;
    gap_count = seq - expected;
    closes = is_end && heard && good && closing[line];
    closed_at = close_at[line];
    retracts = fell_back || took_back;
    void_from = first[line];
    void_count = last[line] - first[line];
    void_next = fell_back ? hole : expected;
  end

  always_ff @(posedge clk) begin
    if (is_begin) begin
      refused[line] <= is_far;
      jumped[line] <= 1'b0;
      closing[line] <= 1'b0;
      taken[line] <= 1'b0;
      first[line] <= '0;
      last[line] <= '0;
      if (opens) begin
        hole <= expected;
        hole_end <= seq;
        expected <= seq;
        jumped[line] <= 1'b1;
        jumped[!line] <= 1'b0;
        closing <= 2'b00;
      end
    end
    if (is_new) begin
      expected <= expected + 1'b1;
      jumped[!line] <= 1'b0;
    end
    if (is_fill) begin
      hole <= hole + 1'b1;
      if (hole + 1'b1 == hole_end) begin
        closing[line] <= 1'b1;
        close_at[line] <= hole_end;
      end
    end
    if (is_new || is_fill) begin
      taken[line] <= 1'b1;
      if (!taken[line]) first[line] <= seq;
      last[line] <= seq + 1'b1;
    end
    if (fell_back) begin
      expected <= hole;
      hole_end <= hole;
      closing <= 2'b00;
    end
    if (took_back) begin
      closing <= 2'b00;
      // The other line may yet have to go back to the hole that it has opened.
      if (!jumped[!line]) begin
        hole <= first[line];
        hole_end <= last[line];
      end
    end
    if (rst) begin
      expected <= next_seq;
      hole <= next_seq;
      hole_end <= next_seq;
      refused <= 2'b00;
      jumped <= 2'b00;
      closing <= 2'b00;
      taken <= 2'b00;
    end
  end

endmodule
`default_nettype wire

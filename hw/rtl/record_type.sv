// The record under a name that is known everywhere: Icarus Verilog 11 cannot declare variables of a
// structure that it finds in a package, and Yosys cannot import from one.
typedef tercel_pkg::event_record_t record_t;

// The Verilated card and the cycles around it: frames on its lines, accesses of its registers, and
// what it writes into memory. A call plays as many cycles as it takes, since calls between Rust and
// C++ for each cycle would cost more than the cycle.
//
// A cycle is: set the inputs, let them settle with the clock low, look at the outputs, raise the
// clock. Cycle numbers in here count those; a value that register 1 shows one cycle after the beat
// that made it has latency 1.

#include "Vcard.h"
#include "verilated.h"

#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

namespace {

constexpr int kLines = 2;
// More than the deepest queue and the longest way through the card take.
constexpr uint32_t kQuietCycles = 40;
constexpr uint64_t kPatience = 1 << 20;

}  // namespace

extern "C" {

struct TercelFrame {
  const uint8_t* bytes;
  // Offsets of the last byte of each message, for the latencies; none for a frame not measured.
  const uint32_t* ends;
  uint64_t ticks;
  uint32_t length;
  uint32_t ends_count;
  uint32_t line;
  uint32_t fcs_good;
};

struct TercelWrite {
  uint64_t address;
  uint8_t data[64];
};

struct TercelOptions {
  uint64_t seed;
  uint32_t gap;    // chance of a cycle without a beat inside of a frame, in 1,024
  uint32_t pause;  // most cycles between two frames of a line
  uint32_t stall;  // chance of a cycle in which the bus takes nothing, in 1,024
};

struct TercelLatency {
  uint64_t record_min;
  uint64_t record_max;
  uint64_t ring_min;
  uint64_t ring_max;
  uint64_t records;
  uint64_t writes;
  // Messages that were expected and did not come out, or came out and were not expected.
  uint64_t unmatched;
};

}  // extern "C"

struct TercelCard {
  struct Line {
    std::deque<const TercelFrame*> frames;
    size_t at = 0;
    uint32_t next_end = 0;
    uint32_t wait = 0;
    bool driving = false;
    std::deque<uint64_t> ends;
  };

  VerilatedContext context;
  std::unique_ptr<Vcard> top;
  TercelOptions options;
  uint64_t random;
  uint64_t cycle = 0;
  uint32_t quiet = 0;
  bool measuring = false;
  Line lines[kLines];
  std::deque<uint64_t> ring_ends;
  std::vector<TercelWrite> writes;
  TercelLatency latency{};

  explicit TercelCard(const TercelOptions& given)
      : options(given), random(given.seed * 2 + 1) {
    context.randReset(2);
    context.randSeed(static_cast<int>(given.seed & 0x7fffffff) | 1);
    top = std::make_unique<Vcard>(&context, "");
    latency.record_min = latency.ring_min = ~uint64_t{0};
    idle();
    top->s_axil_awvalid_i = top->s_axil_wvalid_i = top->s_axil_bready_i = 0;
    top->s_axil_arvalid_i = top->s_axil_rready_i = 0;
    top->rst_i = 1;
    for (int i = 0; i < 4; i++) step();
    top->rst_i = 0;
    step();
    writes.clear();
  }

  ~TercelCard() { top->final(); }

  // xorshift64*, upper bits.
  uint32_t below(uint32_t limit) {
    random ^= random >> 12;
    random ^= random << 25;
    random ^= random >> 27;
    return static_cast<uint32_t>(((random * 0x2545f4914f6cdd1dULL) >> 32) * limit >> 32);
  }

  bool chance(uint32_t of_1024) { return of_1024 != 0 && below(1024) < of_1024; }

  static void note(uint64_t value, uint64_t& min, uint64_t& max, uint64_t& count) {
    if (value < min) min = value;
    if (value > max) max = value;
    count++;
  }

  void idle() {
    top->s_axis_tvalid_i = 0;
    top->s_axis_tlast_i = 0;
    top->s_axis_tuser_i = 0;
  }

  void step() {
    Vcard& t = *top;
    t.m_wr_ready_i = !chance(options.stall);
    t.device_time_i = cycle & 0xffffffffffffULL;
    t.clk_i = 0;
    t.eval();
    look();
    t.clk_i = 1;
    t.eval();
    cycle++;
  }

  void look() {
    Vcard& t = *top;
    quiet = t.m_wr_valid_o ? 0 : quiet + 1;
    if (t.rst_i) return;
    if (measuring) {
      for (int line = 0; line < kLines; line++) {
        if (!((t.probe_record_o >> line) & 1)) continue;
        std::deque<uint64_t>& ends = lines[line].ends;
        if (ends.empty()) {
          latency.unmatched++;
          continue;
        }
        note(cycle - ends.front(), latency.record_min, latency.record_max, latency.records);
        ends.pop_front();
      }
    }
    if (!t.m_wr_valid_o || !t.m_wr_ready_i) return;
    TercelWrite write;
    write.address = t.m_wr_addr_o;
    std::memcpy(write.data, t.m_wr_data_o.data(), sizeof write.data);
    // Kinds below 0x20 are not messages.
    if (measuring && write.data[8] >= 0x20) {
      if (ring_ends.empty()) {
        latency.unmatched++;
      } else {
        note(cycle - ring_ends.front(), latency.ring_min, latency.ring_max, latency.writes);
        ring_ends.pop_front();
      }
    }
    writes.push_back(write);
  }

  // Puts the next beat of a line onto its port, or nothing; false once the line has no frame left.
  bool drive(int number) {
    Line& line = lines[number];
    const uint32_t mask = 1u << number;
    top->s_axis_tvalid_i &= ~mask;
    line.driving = false;
    if (line.frames.empty()) return false;
    if (line.wait > 0) {
      line.wait--;
      return true;
    }
    if (line.at > 0 && chance(options.gap)) return true;
    const TercelFrame& frame = *line.frames.front();
    const size_t left = frame.length - line.at;
    const size_t count = left < 8 ? left : 8;
    const bool last = left <= 8;
    uint8_t lanes[8];
    for (size_t lane = count; lane < 8; lane++) lanes[lane] = static_cast<uint8_t>(below(256));
    std::memcpy(lanes, frame.bytes + line.at, count);
    uint32_t words[2];
    std::memcpy(words, lanes, sizeof words);
    top->s_axis_tdata_i[2 * number] = words[0];
    top->s_axis_tdata_i[2 * number + 1] = words[1];
    const uint32_t keep = (1u << count) - 1;
    top->s_axis_tkeep_i = (top->s_axis_tkeep_i & ~(0xffu << 8 * number)) | keep << 8 * number;
    top->s_axis_tvalid_i |= mask;
    top->s_axis_tlast_i = (top->s_axis_tlast_i & ~mask) | (last ? mask : 0);
    const bool bad = last && !frame.fcs_good;
    top->s_axis_tuser_i = (top->s_axis_tuser_i & ~mask) | (bad ? mask : 0);
    // Only the first beat says when the frame came.
    put_ticks(number, line.at == 0 ? frame.ticks : uint64_t{below(~0u)} << 16);
    while (line.next_end < frame.ends_count && frame.ends[line.next_end] < line.at + count) {
      line.ends.push_back(cycle);
      ring_ends.push_back(cycle);
      line.next_end++;
    }
    line.at += count;
    line.driving = true;
    return true;
  }

  // The beat that was driven has been taken: the lines are never told to wait.
  void advance(int number) {
    Line& line = lines[number];
    if (!line.driving || line.at < line.frames.front()->length) return;
    line.frames.pop_front();
    line.at = 0;
    line.next_end = 0;
    line.wait = options.pause == 0 ? 0 : below(options.pause + 1);
  }

  void put_ticks(int number, uint64_t ticks) {
    uint64_t both[2] = {0, 0};
    uint32_t* words = &top->s_ticks_i[0];
    both[0] = words[0] | static_cast<uint64_t>(words[1] & 0xffff) << 32;
    both[1] = words[1] >> 16 | static_cast<uint64_t>(words[2]) << 16;
    both[number] = ticks & 0xffffffffffffULL;
    words[0] = static_cast<uint32_t>(both[0]);
    words[1] = static_cast<uint32_t>(both[0] >> 32) | static_cast<uint32_t>(both[1] << 16);
    words[2] = static_cast<uint32_t>(both[1] >> 16);
  }

  bool settle() {
    idle();
    quiet = 0;
    for (uint64_t i = 0; quiet < kQuietCycles; i++) {
      if (i == kPatience) return false;
      step();
    }
    return true;
  }

  void run_lines() {
    for (;;) {
      bool more = false;
      for (int line = 0; line < kLines; line++) more |= drive(line);
      if (!more) return;
      step();
      for (int line = 0; line < kLines; line++) advance(line);
    }
  }

  // Frames of one line follow each other closely; where the line changes the card has settled, so
  // that the order of the frames is that of their events, unless both lines are to play at once.
  bool play(const TercelFrame* frames, size_t count, bool at_once) {
    for (size_t i = 0; i < count; i++) {
      measuring |= frames[i].ends_count > 0;
      if (!at_once && i > 0 && frames[i].line != frames[i - 1].line) {
        run_lines();
        if (!settle()) return false;
      }
      lines[frames[i].line].frames.push_back(&frames[i]);
    }
    run_lines();
    const bool settled = settle();
    if (measuring) {
      latency.unmatched += ring_ends.size();
      for (Line& line : lines) line.ends.clear();
      ring_ends.clear();
      measuring = false;
    }
    return settled;
  }

  bool write(uint32_t offset, uint32_t value) {
    Vcard& t = *top;
    uint32_t address_wait = below(4), data_wait = below(4), answer_wait = below(3);
    bool address = false, data = false;
    t.s_axil_awaddr_i = offset;
    t.s_axil_wdata_i = value;
    t.s_axil_wstrb_i = 0xf;
    for (uint64_t i = 0; i < kPatience; i++) {
      t.s_axil_awvalid_i = !address && i >= address_wait;
      t.s_axil_wvalid_i = !data && i >= data_wait;
      t.s_axil_bready_i = i >= answer_wait + 3;
      t.clk_i = 0;
      t.eval();
      const bool address_taken = t.s_axil_awvalid_i && t.s_axil_awready_o;
      const bool data_taken = t.s_axil_wvalid_i && t.s_axil_wready_o;
      const bool answered = t.s_axil_bvalid_o && t.s_axil_bready_i;
      step();
      address |= address_taken;
      data |= data_taken;
      if (!answered) continue;
      t.s_axil_awvalid_i = t.s_axil_wvalid_i = t.s_axil_bready_i = 0;
      // What the write sets in motion has happened when the next access comes.
      for (int after = 0; after < 4; after++) step();
      return address && data && t.s_axil_bresp_o == 0;
    }
    return false;
  }

  bool read(uint32_t offset, uint32_t* value) {
    Vcard& t = *top;
    bool address = false;
    t.s_axil_araddr_i = offset;
    for (uint64_t i = 0; i < kPatience; i++) {
      t.s_axil_arvalid_i = !address;
      t.s_axil_rready_i = i >= 1;
      t.clk_i = 0;
      t.eval();
      const bool taken = t.s_axil_arvalid_i && t.s_axil_arready_o;
      const bool answered = t.s_axil_rvalid_o && t.s_axil_rready_i;
      *value = t.s_axil_rdata_o;
      step();
      address |= taken;
      if (!answered) continue;
      t.s_axil_arvalid_i = t.s_axil_rready_i = 0;
      return address;
    }
    return false;
  }
};

extern "C" {

TercelCard* tercel_card_new(const TercelOptions* options) { return new TercelCard(*options); }

void tercel_card_free(TercelCard* card) { delete card; }

int tercel_card_play(TercelCard* card, const TercelFrame* frames, size_t count, int at_once) {
  return card->play(frames, count, at_once != 0);
}

int tercel_card_settle(TercelCard* card) { return card->settle(); }

int tercel_card_write(TercelCard* card, uint32_t offset, uint32_t value) {
  return card->write(offset, value);
}

int tercel_card_read(TercelCard* card, uint32_t offset, uint32_t* value) {
  return card->read(offset, value);
}

size_t tercel_card_writes(TercelCard* card, TercelWrite* to, size_t room) {
  const size_t count = card->writes.size() < room ? card->writes.size() : room;
  if (count > 0) std::memcpy(to, card->writes.data(), count * sizeof(TercelWrite));
  card->writes.erase(card->writes.begin(), card->writes.begin() + static_cast<long>(count));
  return count;
}

uint64_t tercel_card_cycles(TercelCard* card) { return card->cycle; }

void tercel_card_latency(TercelCard* card, TercelLatency* latency) { *latency = card->latency; }

}  // extern "C"

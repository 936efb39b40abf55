// SPDX-License-Identifier: Apache-2.0
//
// Plays a file of input beats through the verilated top module and records what comes out.
//
// Ports: clk, rst (synchronous, high), s_axis_* and the outputs with tlast, frame_error (sticky).
// The outputs are those that BM_SINKS names, X(m_axis) X(m1_axis) and so on.
// A beat is a whole number of bytes, lowest byte first, so every port width takes the same code.
// The source never waits for tready before it raises tvalid and keeps an offered beat until it is
// taken; the sink raises tready without regard to tvalid. With --stall both hold back at random.
//
// Cycle numbers count rising edges after reset. latency_cycles is the cycle in which the last output
// beat of frame 0 is taken minus the cycle in which its first input beat is taken: a frame answered
// in the cycle after it was taken has latency 1. The distance of a frame is the number of cycles
// from the last output beat of the frame before to its own.
//
// Exit status: 0 done, 2 wrong arguments or files, 3 no progress (the last line says who waits).

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "Vdut.h"
#include "verilated.h"

#ifndef BM_SINKS
#define BM_SINKS X(m_axis)
#endif

namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "ports are copied byte by byte, which needs a little-endian host");

constexpr int kExitUsage = 2;
constexpr int kExitStuck = 3;
constexpr int kResetCycles = 8;
constexpr uint64_t kDrainCycles = 256;  // watched for beats that nobody asked for
constexpr uint64_t kProgressLines = 200;

[[noreturn]] void die(int status, const std::string& message) {
  std::fflush(stdout);
  std::fprintf(stderr, "harness: %s\n", message.c_str());
  std::exit(status);
}

struct Options {
  std::string in_path;
  std::vector<std::string> out_paths;
  std::string json_path;
  uint64_t frames = 0;
  uint64_t in_beats = 0;   // per frame
  std::vector<uint64_t> out_beats;  // per frame, of each output
  uint64_t in_bytes = 0;   // per beat
  std::vector<uint64_t> out_bytes;  // per beat, of each output
  uint64_t seed = 0;
  uint64_t watchdog = 0;  // cycles without a beat on either side
  double stall = 0.0;
};

uint64_t parse_count(const char* name, const char* text) {
  char* end = nullptr;
  const uint64_t value = std::strtoull(text, &end, 10);
  if (*text == '\0' || *text == '-' || *end != '\0') {
    die(kExitUsage, std::string(name) + " needs a whole number, not '" + text + "'");
  }
  return value;
}

double parse_probability(const char* name, const char* text) {
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  if (*text == '\0' || *end != '\0' || !(value >= 0.0 && value < 1.0)) {
    die(kExitUsage, std::string(name) + " needs a number from 0 to below 1, not '" + text + "'");
  }
  return value;
}

Options parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (i + 1 == argc) die(kExitUsage, name + " needs a value");
    const char* value = argv[i + 1];
    if (name == "--in") options.in_path = value;
    else if (name == "--out") options.out_paths.emplace_back(value);
    else if (name == "--json") options.json_path = value;
    else if (name == "--frames") options.frames = parse_count("--frames", value);
    else if (name == "--in-beats") options.in_beats = parse_count("--in-beats", value);
    else if (name == "--out-beats") options.out_beats.push_back(parse_count("--out-beats", value));
    else if (name == "--in-bytes") options.in_bytes = parse_count("--in-bytes", value);
    else if (name == "--out-bytes") options.out_bytes.push_back(parse_count("--out-bytes", value));
    else if (name == "--seed") options.seed = parse_count("--seed", value);
    else if (name == "--watchdog") options.watchdog = parse_count("--watchdog", value);
    else if (name == "--stall") options.stall = parse_probability("--stall", value);
    else die(kExitUsage, "unknown option " + name);
  }
  if (options.in_path.empty() || options.out_paths.empty() || options.json_path.empty()) {
    die(kExitUsage, "--in, --out and --json are needed");
  }
  if (options.out_paths.size() != options.out_beats.size() ||
      options.out_paths.size() != options.out_bytes.size()) {
    die(kExitUsage, "every --out needs its --out-beats and its --out-bytes");
  }
  std::vector<uint64_t> counts = {options.frames, options.in_beats, options.in_bytes,
                                  options.watchdog};
  counts.insert(counts.end(), options.out_beats.begin(), options.out_beats.end());
  counts.insert(counts.end(), options.out_bytes.begin(), options.out_bytes.end());
  if (*std::min_element(counts.begin(), counts.end()) == 0) {
    die(kExitUsage, "--frames, --in-beats, --out-beats, --in-bytes, --out-bytes and --watchdog "
                    "must be at least 1");
  }
  return options;
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

File open_file(const std::string& path, const char* mode) {
  File file(std::fopen(path.c_str(), mode));
  if (!file) die(kExitUsage, "cannot open " + path);
  return file;
}

// Marsaglia's xorshift64; one for each side, so that the sides stall independently of each other.
class StallGenerator {
 public:
  StallGenerator(double probability, uint64_t seed)
      : threshold_(static_cast<uint64_t>(probability * 4294967296.0)),
        // An odd multiple spreads neighbouring seeds; the state must not be zero.
        state_((seed + 1) * 0x9E3779B97F4A7C15u | 1u) {
    for (int i = 0; i < 16; ++i) next();
  }

  bool stalls() { return threshold_ != 0 && (next() >> 32) < threshold_; }

 private:
  uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }

  uint64_t threshold_;
  uint64_t state_;
};

// CData, SData, IData, QData and VlWide all keep the lowest bits at the lowest address.
template <typename Port>
void copy_to_port(Port& port, const std::vector<uint8_t>& beat) {
  std::memcpy(reinterpret_cast<uint8_t*>(&port), beat.data(), beat.size());
}

template <typename Port>
void copy_from_port(const Port& port, std::vector<uint8_t>& beat) {
  std::memcpy(beat.data(), reinterpret_cast<const uint8_t*>(&port), beat.size());
}

template <typename Port>
void check_width(const char* name, const Port&, uint64_t bytes) {
  // The storage of a port is its width rounded up to 1, 2, 4, 8 or a multiple of 4 bytes.
  uint64_t storage = bytes > 8 ? (bytes + 3) / 4 * 4 : 1;
  while (storage < bytes) storage *= 2;
  if (storage != sizeof(Port)) {
    die(kExitUsage, std::string(name) + " is stored in " + std::to_string(sizeof(Port)) +
                        " bytes, which does not fit beats of " + std::to_string(bytes) + " bytes");
  }
}

class Source {
 public:
  explicit Source(const Options& options)
      : file_(open_file(options.in_path, "rb")),
        beat_(options.in_bytes),
        beats_per_frame_(options.in_beats),
        beats_(options.frames * options.in_beats),
        stall_(options.stall, 2 * options.seed) {
    load();
  }

  void drive(Vdut& dut) {
    if (offering_ || taken_ == beats_ || stall_.stalls()) return;
    offering_ = true;
    copy_to_port(dut.s_axis_tdata, beat_);
    dut.s_axis_tlast = (taken_ + 1) % beats_per_frame_ == 0;
    dut.s_axis_tvalid = 1;
  }

  // After the edge in which the offered beat was taken.
  void advance(Vdut& dut) {
    offering_ = false;
    dut.s_axis_tvalid = 0;
    ++taken_;
    if (taken_ < beats_) load();
  }

  bool offering() const { return offering_; }
  uint64_t taken() const { return taken_; }
  uint64_t beats() const { return beats_; }

 private:
  void load() {
    if (std::fread(beat_.data(), 1, beat_.size(), file_.get()) != beat_.size()) {
      die(kExitUsage, "the input file ends in beat " + std::to_string(taken_) + " of " +
                          std::to_string(beats_));
    }
  }

  File file_;
  std::vector<uint8_t> beat_;
  uint64_t beats_per_frame_;
  uint64_t beats_;
  uint64_t taken_ = 0;
  bool offering_ = false;
  StallGenerator stall_;
};

// The signals of one output stream.
#define X(port)                                                      \
  struct Port_##port {                                               \
    static constexpr const char* kName = #port;                      \
    static const auto& tdata(const Vdut& dut) { return dut.port##_tdata; } \
    static bool valid(const Vdut& dut) { return dut.port##_tvalid; } \
    static bool last(const Vdut& dut) { return dut.port##_tlast; }   \
    static bool ready(const Vdut& dut) { return dut.port##_tready; } \
    static void set_ready(Vdut& dut, bool on) { dut.port##_tready = on; } \
  };
BM_SINKS
#undef X

template <typename Port>
class Sink {
 public:
  Sink(const Options& options, size_t index)
      : file_(open_file(options.out_paths[index], "wb")),
        beat_(options.out_bytes[index]),
        beats_per_frame_(options.out_beats[index]),
        beats_(options.frames * options.out_beats[index]),
        stall_(options.stall, 2 * (options.seed + index * 0x10001u) + 1) {
    frame_ends_.reserve(options.frames);
  }

  void check(const Vdut& dut) const {
    check_width((std::string(Port::kName) + "_tdata").c_str(), Port::tdata(dut), beat_.size());
  }

  void drive(Vdut& dut) { Port::set_ready(dut, !stall_.stalls()); }

  bool gives(const Vdut& dut) const { return Port::valid(dut) && Port::ready(dut); }

  // The beat that is offered before the edge; what follows the last frame is only counted.
  void take(const Vdut& dut, uint64_t cycle) {
    if (done()) {
      ++extra_beats_;
      return;
    }
    copy_from_port(Port::tdata(dut), beat_);
    if (std::fwrite(beat_.data(), 1, beat_.size(), file_.get()) != beat_.size()) {
      die(kExitUsage, "cannot write the output file");
    }
    ++taken_;
    const bool ends_frame = taken_ % beats_per_frame_ == 0;
    tlast_errors_ += ends_frame != Port::last(dut);
    if (ends_frame) frame_ends_.push_back(cycle);
  }

  void close() {
    if (std::fclose(file_.release()) != 0) die(kExitUsage, "cannot write the output file");
  }

  bool done() const { return taken_ == beats_; }
  uint64_t taken() const { return taken_; }
  uint64_t beats() const { return beats_; }
  uint64_t tlast_errors() const { return tlast_errors_; }
  uint64_t extra_beats() const { return extra_beats_; }
  const std::vector<uint64_t>& frame_ends() const { return frame_ends_; }

 private:
  File file_;
  std::vector<uint8_t> beat_;
  uint64_t beats_per_frame_;
  uint64_t beats_;
  uint64_t taken_ = 0;
  uint64_t tlast_errors_ = 0;
  uint64_t extra_beats_ = 0;
  std::vector<uint64_t> frame_ends_;
  StallGenerator stall_;
};

// All output streams.
#define X(port) , Sink<Port_##port>
template <typename Head, typename... Sinks>
struct Tail {
  using Tuple = std::tuple<Sinks...>;
};
using SinkTuple = typename Tail<void BM_SINKS>::Tuple;
#undef X

class Outputs {
 public:
  explicit Outputs(const Options& options)
      : sinks_(make(options, std::make_index_sequence<kCount>())),
        progress_step_(std::max<uint64_t>(1, options.frames / kProgressLines)) {}

  static constexpr size_t kCount = std::tuple_size_v<SinkTuple>;

  void check(const Vdut& dut) {
    each([&](auto& sink) { sink.check(dut); });
  }

  void drive(Vdut& dut) {
    each([&](auto& sink) { sink.drive(dut); });
  }

  // Takes what is offered before the edge; returns whether anything was.
  bool take(const Vdut& dut, uint64_t cycle) {
    bool any = false;
    each([&](auto& sink) {
      if (!sink.gives(dut)) return;
      any = true;
      sink.take(dut, cycle);
    });
    if (any) tell_progress();
    return any;
  }

  void close() {
    each([](auto& sink) { sink.close(); });
  }

  bool done() {
    bool all = true;
    each([&](auto& sink) { all = all && sink.done(); });
    return all;
  }

  uint64_t taken() { return sum([](auto& sink) { return sink.taken(); }); }
  uint64_t beats() { return sum([](auto& sink) { return sink.beats(); }); }
  uint64_t tlast_errors() { return sum([](auto& sink) { return sink.tlast_errors(); }); }
  uint64_t extra_beats() { return sum([](auto& sink) { return sink.extra_beats(); }); }

  bool offers(const Vdut& dut) {
    bool any = false;
    each([&](auto& sink) { any = any || offered(sink, dut); });
    return any;
  }

  // The cycle in which each frame ended on the last of the outputs.
  std::vector<uint64_t> frame_ends() {
    std::vector<uint64_t> ends;
    each([&](auto& sink) {
      const auto& own = sink.frame_ends();
      if (ends.empty()) ends = own;
      for (size_t i = 0; i < ends.size(); ++i) ends[i] = std::max(ends[i], own[i]);
    });
    return ends;
  }

 private:
  template <size_t... kIndex>
  static SinkTuple make(const Options& options, std::index_sequence<kIndex...>) {
    if (options.out_paths.size() != kCount) {
      die(kExitUsage, "the design has " + std::to_string(kCount) + " outputs, not " +
                          std::to_string(options.out_paths.size()));
    }
    return SinkTuple(std::tuple_element_t<kIndex, SinkTuple>(options, kIndex)...);
  }

  template <typename Port>
  static bool offered(const Sink<Port>& sink, const Vdut& dut) {
    return !sink.done() && Port::valid(dut);
  }

  template <typename Action>
  void each(Action action) {
    std::apply([&](auto&... sink) { (action(sink), ...); }, sinks_);
  }

  template <typename Count>
  uint64_t sum(Count count) {
    uint64_t total = 0;
    each([&](auto& sink) { total += count(sink); });
    return total;
  }

  void tell_progress() {
    uint64_t finished = UINT64_MAX;
    each([&](auto& sink) { finished = std::min<uint64_t>(finished, sink.frame_ends().size()); });
    if (finished == told_ || finished % progress_step_ != 0) return;
    told_ = finished;
    std::printf("progress %" PRIu64 "\n", finished);
    std::fflush(stdout);
  }

  SinkTuple sinks_;
  uint64_t progress_step_;
  uint64_t told_ = 0;
};

// Distances between frames; the second half of them stands for the steady state.
struct Distances {
  explicit Distances(const std::vector<uint64_t>& frame_ends) {
    if (frame_ends.size() < 2) return;
    std::vector<uint64_t> all;
    all.reserve(frame_ends.size() - 1);
    for (size_t i = 1; i < frame_ends.size(); ++i) {
      all.push_back(frame_ends[i] - frame_ends[i - 1]);
    }
    const auto half = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
    min = *std::min_element(all.begin(), all.end());
    max = *std::max_element(all.begin(), all.end());
    mean = std::accumulate(half, all.end(), 0.0) / static_cast<double>(all.end() - half);
    if (std::all_of(half, all.end(), [&](uint64_t distance) { return distance == *half; })) {
      constant = *half;
    }
  }

  uint64_t min = 0;
  uint64_t max = 0;
  double mean = 0.0;
  uint64_t constant = 0;  // 0: none, or not one and the same all through the second half
};

class Simulation {
 public:
  explicit Simulation(const Options& options)
      : options_(options), source_(options), sink_(options) {
    check_width("s_axis_tdata", dut_.s_axis_tdata, options.in_bytes);
    sink_.check(dut_);
  }

  void run() {
    reset();
    const auto start = std::chrono::steady_clock::now();
    while (!sink_.done()) {
      source_.drive(dut_);
      sink_.drive(dut_);
      step();
      if (idle_cycles_ >= options_.watchdog) die_stuck();
    }
    seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    cycles_ = cycle_;
    drain();
    dut_.final();
    sink_.close();
    write_json();
  }

 private:
  void reset() {
    dut_.rst = 1;
    dut_.s_axis_tvalid = 0;
    dut_.s_axis_tlast = 0;
#define X(port) dut_.port##_tready = 0;
    BM_SINKS
#undef X
    for (int i = 0; i < kResetCycles; ++i) {
      settle();
      clock();
    }
    dut_.rst = 0;
  }

  void settle() {
    dut_.clk = 0;
    dut_.eval();
    context_.timeInc(1);
  }

  void clock() {
    dut_.clk = 1;
    dut_.eval();
    context_.timeInc(1);
  }

  // One cycle: what the ports show before the edge decides what the edge transfers.
  void step() {
    settle();
    const bool takes = dut_.s_axis_tvalid && dut_.s_axis_tready;
    const bool gives = sink_.take(dut_, cycle_);
    if (takes && source_.taken() == 0) first_taken_ = cycle_;
    clock();
    if (takes) source_.advance(dut_);
    idle_cycles_ = takes || gives ? 0 : idle_cycles_ + 1;
    ++cycle_;
  }

  void drain() {
#define X(port) dut_.port##_tready = 1;
    BM_SINKS
#undef X
    for (uint64_t i = 0; i < kDrainCycles; ++i) {
      // The last answer may come before the frame's last pixels, which no window needs.
      source_.drive(dut_);
      settle();
      const bool takes = dut_.s_axis_tvalid && dut_.s_axis_tready;
      sink_.take(dut_, cycle_);
      clock();
      if (takes) source_.advance(dut_);
    }
  }

  [[noreturn]] void die_stuck() {
    std::string why;
    if (sink_.offers(dut_)) {
      why = "m_axis_tvalid is high but the sink is stalled";
    } else if (source_.offering()) {
      why = "the input waits: s_axis_tready stays low, and m_axis_tvalid too";
    } else {
      why = "the output waits: m_axis_tvalid stays low though all input was taken";
    }
    die(kExitStuck, "no progress for " + std::to_string(idle_cycles_) + " cycles: " + why +
                        " (" + std::to_string(source_.taken()) + " of " +
                        std::to_string(source_.beats()) + " input beats taken, " +
                        std::to_string(sink_.taken()) + " of " + std::to_string(sink_.beats()) +
                        " output beats given)");
  }

  void write_json() {
    const std::vector<uint64_t> frame_ends = sink_.frame_ends();
    const Distances distances(frame_ends);
    const File file = open_file(options_.json_path, "w");
    std::fprintf(file.get(), "{\"cycles\": %" PRIu64 ", \"frames\": %" PRIu64, cycles_,
                 options_.frames);
    std::fprintf(file.get(), ", \"latency_cycles\": %" PRIu64,
                 frame_ends.front() - first_taken_);
    std::fprintf(file.get(), ", \"ii_cycles\": %s",
                 distances.constant ? std::to_string(distances.constant).c_str() : "null");
    std::fprintf(file.get(), ", \"ii_min\": %" PRIu64 ", \"ii_max\": %" PRIu64 ", \"ii_mean\": %.6f",
                 distances.min, distances.max, distances.mean);
    std::fprintf(file.get(), ", \"frame_error\": %s", dut_.frame_error ? "true" : "false");
    std::fprintf(file.get(), ", \"tlast_errors\": %" PRIu64 ", \"extra_beats\": %" PRIu64,
                 sink_.tlast_errors(), sink_.extra_beats());
    std::fprintf(file.get(), ", \"stall\": %g, \"seed\": %" PRIu64 ", \"seconds\": %.6f}\n",
                 options_.stall, options_.seed, seconds_);
  }

  const Options& options_;
  VerilatedContext& context_ = *Verilated::threadContextp();
  Vdut dut_;
  Source source_;
  Outputs sink_;
  uint64_t cycle_ = 0;
  uint64_t cycles_ = 0;
  uint64_t first_taken_ = 0;
  uint64_t idle_cycles_ = 0;
  double seconds_ = 0.0;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse_options(argc, argv);
  // Random start values, so that a register which reset forgets cannot pass by being zero.
  Verilated::threadContextp()->randReset(2);
  Verilated::threadContextp()->randSeed(static_cast<int>(options.seed % 0x7FFFFFFF) + 1);
  Simulation(options).run();
  return 0;
}

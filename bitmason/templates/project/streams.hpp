// SPDX-License-Identifier: Apache-2.0
//
// The streams at the ports of the design: what is played into it and what comes out.
//
// A beat is a whole number of bytes, lowest byte first, so every port width takes the same code.
// The source never waits for tready before it raises tvalid and keeps an offered beat until it is
// taken; the sinks raise tready without regard to tvalid. Both hold back at random, if asked.

#ifndef BITMASON_STREAMS_HPP
#define BITMASON_STREAMS_HPP

#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "Vdut.h"
#include "host.hpp"
#include "options.hpp"
#include "stalls.hpp"

#ifndef BM_SINKS
#define BM_SINKS X(m_axis)
#endif

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "ports are copied byte by byte, which needs a little-endian host");

constexpr uint64_t kProgressLines = 200;

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
  // Whether the next beat is the first of a frame, and not yet on offer.
  bool between_frames() const { return !offering_ && taken_ % beats_per_frame_ == 0; }
  uint64_t frame() const { return taken_ / beats_per_frame_; }
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

#endif

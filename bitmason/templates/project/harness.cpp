// SPDX-License-Identifier: Apache-2.0
//
// Plays a file of input beats through the verilated top module and records what comes out.
//
// Ports: clk, rst (synchronous, high), s_axis_* and the outputs with tlast, frame_error (sticky).
// The outputs are those that BM_SINKS names, X(m_axis) X(m1_axis) and so on. With BM_REGISTERS there
// is s_axil_* too: a register is written between two frames, after the last beat of the one was
// taken and before the first beat of the other is offered, which waits for the answer; registers are
// read when all is over.
//
// Cycle numbers count rising edges after reset. latency_cycles is the cycle in which the last output
// beat of frame 0 is taken minus the cycle in which its first input beat is taken: a frame answered
// in the cycle after it was taken has latency 1. The distance of a frame is the number of cycles
// from the last output beat of the frame before to its own.
//
// Exit status: 0 done, 2 wrong arguments or files, 3 no progress (the last line says who waits).

#include <chrono>
#include <cstdint>
#include <string>

#include "Vdut.h"
#include "host.hpp"
#include "options.hpp"
#include "registers.hpp"
#include "report.hpp"
#include "streams.hpp"
#include "verilated.h"

namespace {

constexpr int kResetCycles = 8;
constexpr uint64_t kDrainCycles = 256;  // watched for beats that nobody asked for

class Simulation {
 public:
  explicit Simulation(const Options& options)
      : options_(options), source_(options), sink_(options), registers_(options) {
    check_width("s_axis_tdata", dut_.s_axis_tdata, options.in_bytes);
    sink_.check(dut_);
  }

  void run() {
    reset();
    const auto start = std::chrono::steady_clock::now();
    while (!sink_.done()) {
      const bool held = source_.between_frames() && registers_.holds(source_.frame());
      if (!held) source_.drive(dut_);
      sink_.drive(dut_);
      registers_.drive(dut_);
      step();
    }
    const auto end = std::chrono::steady_clock::now();
    measured_.seconds = std::chrono::duration<double>(end - start).count();
    measured_.cycles = cycle_;
    drain();
    read_registers();
    dut_.final();
    sink_.close();
    tell();
  }

 private:
  void reset() {
    dut_.rst = 1;
    dut_.s_axis_tvalid = 0;
    dut_.s_axis_tlast = 0;
#define X(port) dut_.port##_tready = 0;
    BM_SINKS
#undef X
    registers_.reset(dut_);
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
    const bool accesses = registers_.look(dut_);
    if (takes && source_.taken() == 0) measured_.first_taken = cycle_;
    clock();
    if (takes) source_.advance(dut_);
    registers_.advance(dut_);
    idle_cycles_ = takes || gives || accesses ? 0 : idle_cycles_ + 1;
    ++cycle_;
    if (idle_cycles_ >= options_.watchdog) die_stuck();
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

  void read_registers() {
    idle_cycles_ = 0;
    for (const uint64_t address : options_.reads) {
      registers_.start_reading(address);
      while (registers_.busy()) {
        registers_.drive(dut_);
        step();
      }
    }
  }

  [[noreturn]] void die_stuck() {
    std::string why;
    if (registers_.busy()) {
      why = "the registers do not answer";
    } else if (sink_.offers(dut_)) {
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

  void tell() {
    measured_.frame_ends = sink_.frame_ends();
    measured_.frame_error = dut_.frame_error;
    measured_.tlast_errors = sink_.tlast_errors();
    measured_.extra_beats = sink_.extra_beats();
    measured_.values = registers_.values();
    measured_.read_responses = registers_.read_responses();
    measured_.write_responses = registers_.write_responses();
    write_json(options_, measured_);
  }

  const Options& options_;
  VerilatedContext& context_ = *Verilated::threadContextp();
  Vdut dut_;
  Source source_;
  Outputs sink_;
  Registers registers_;
  Measured measured_;
  uint64_t cycle_ = 0;
  uint64_t idle_cycles_ = 0;
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

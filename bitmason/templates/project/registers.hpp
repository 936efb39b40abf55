// SPDX-License-Identifier: Apache-2.0
//
// The registers of the design, written and read over AXI4-Lite, one access at a time.
//
// Address and data of a write are offered independently of each other; a channel keeps what it
// offers until it is taken. All of them hold back at random, if asked. Where BM_REGISTERS is not
// defined the design has no registers, and asking for an access is an error.

#ifndef BITMASON_REGISTERS_HPP
#define BITMASON_REGISTERS_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "Vdut.h"
#include "host.hpp"
#include "options.hpp"
#include "stalls.hpp"

#ifdef BM_REGISTERS

class Registers {
 public:
  explicit Registers(const Options& options)
      : writes_(options.writes), stall_(options.stall, 2 * (options.seed + 0x7000001u)) {}

  void reset(Vdut& dut) {
    dut.s_axil_awvalid = dut.s_axil_wvalid = dut.s_axil_arvalid = 0;
    dut.s_axil_bready = dut.s_axil_rready = 0;
    dut.s_axil_awprot = dut.s_axil_arprot = 0;
    dut.s_axil_wstrb = 0xF;
  }

  // Whether the source has to wait with `frame`; starts what it waits for.
  bool holds(uint64_t frame) {
    const size_t next = write_responses_.size();
    if (!busy() && next < writes_.size() && writes_[next].frame == frame) {
      address_ = writes_[next].address;
      value_ = writes_[next].value;
      aw_ = w_ = b_ = true;
    }
    return busy();
  }

  void start_reading(uint64_t address) {
    address_ = address;
    ar_ = r_ = true;
  }

  bool busy() const { return b_ || r_; }

  void drive(Vdut& dut) {
    if (aw_ && !dut.s_axil_awvalid && !stall_.stalls()) {
      dut.s_axil_awaddr = address_;
      dut.s_axil_awvalid = 1;
    }
    if (w_ && !dut.s_axil_wvalid && !stall_.stalls()) {
      dut.s_axil_wdata = value_;
      dut.s_axil_wvalid = 1;
    }
    if (ar_ && !dut.s_axil_arvalid && !stall_.stalls()) {
      dut.s_axil_araddr = address_;
      dut.s_axil_arvalid = 1;
    }
    dut.s_axil_bready = b_ && !stall_.stalls();
    dut.s_axil_rready = r_ && !stall_.stalls();
  }

  // Sees what the next edge transfers; returns whether there is anything.
  bool look(const Vdut& dut) {
    aw_taken_ = dut.s_axil_awvalid && dut.s_axil_awready;
    w_taken_ = dut.s_axil_wvalid && dut.s_axil_wready;
    ar_taken_ = dut.s_axil_arvalid && dut.s_axil_arready;
    const bool b = dut.s_axil_bvalid && dut.s_axil_bready;
    const bool r = dut.s_axil_rvalid && dut.s_axil_rready;
    if (b) {
      write_responses_.push_back(dut.s_axil_bresp);
      b_ = false;
    }
    if (r) {
      values_.push_back(dut.s_axil_rdata);
      read_responses_.push_back(dut.s_axil_rresp);
      r_ = false;
    }
    return aw_taken_ || w_taken_ || ar_taken_ || b || r;
  }

  // After that edge.
  void advance(Vdut& dut) {
    if (aw_taken_) aw_ = dut.s_axil_awvalid = 0;
    if (w_taken_) w_ = dut.s_axil_wvalid = 0;
    if (ar_taken_) ar_ = dut.s_axil_arvalid = 0;
  }

  const std::vector<uint64_t>& values() const { return values_; }
  const std::vector<uint64_t>& read_responses() const { return read_responses_; }
  const std::vector<uint64_t>& write_responses() const { return write_responses_; }

 private:
  const std::vector<RegisterWrite>& writes_;
  StallGenerator stall_;
  uint64_t address_ = 0;
  uint64_t value_ = 0;
  // What is left to do on each channel, and what the next edge does.
  bool aw_ = false, w_ = false, b_ = false, ar_ = false, r_ = false;
  bool aw_taken_ = false, w_taken_ = false, ar_taken_ = false;
  std::vector<uint64_t> values_;
  std::vector<uint64_t> read_responses_;
  std::vector<uint64_t> write_responses_;
};

#else

class Registers {
 public:
  explicit Registers(const Options& options) {
    if (options.writes.empty() && options.reads.empty()) return;
    die(kExitUsage, "the design has no registers to write or read");
  }

  void reset(Vdut&) {}
  bool holds(uint64_t) { return false; }
  void start_reading(uint64_t) {}
  bool busy() const { return false; }
  void drive(Vdut&) {}
  bool look(const Vdut&) { return false; }
  void advance(Vdut&) {}
  const std::vector<uint64_t>& values() const { return none_; }
  const std::vector<uint64_t>& read_responses() const { return none_; }
  const std::vector<uint64_t>& write_responses() const { return none_; }

 private:
  std::vector<uint64_t> none_;
};

#endif

#endif

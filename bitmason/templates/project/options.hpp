// SPDX-License-Identifier: Apache-2.0
//
// What the command line says. Every option has a value; --out, --out-beats, --out-bytes and --read
// may come several times. --writes names a file of registers to write: three numbers of 64 bits for
// each, as in RegisterWrite, by ascending frames.

#ifndef BITMASON_OPTIONS_HPP
#define BITMASON_OPTIONS_HPP

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "host.hpp"

// A register to write before the first beat of a frame is offered.
struct RegisterWrite {
  uint64_t frame = 0;
  uint64_t address = 0;
  uint64_t value = 0;
};

struct Options {
  std::string in_path;
  std::vector<std::string> out_paths;
  std::string json_path;
  uint64_t frames = 0;
  uint64_t in_beats = 0;            // per frame
  std::vector<uint64_t> out_beats;  // per frame, of each output
  uint64_t in_bytes = 0;            // per beat
  std::vector<uint64_t> out_bytes;  // per beat, of each output
  uint64_t seed = 0;
  uint64_t watchdog = 0;  // cycles without a beat on either side
  double stall = 0.0;
  std::vector<RegisterWrite> writes;  // by ascending frames
  std::vector<uint64_t> reads;        // addresses, read when all is over
};

inline uint64_t parse_count(const std::string& name, const std::string& text) {
  char* end = nullptr;
  const uint64_t value = std::strtoull(text.c_str(), &end, 0);
  if (text.empty() || text[0] == '-' || *end != '\0') {
    die(kExitUsage, name + " needs a whole number, not '" + text + "'");
  }
  return value;
}

inline double parse_probability(const std::string& name, const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(value >= 0.0 && value < 1.0)) {
    die(kExitUsage, name + " needs a number from 0 to below 1, not '" + text + "'");
  }
  return value;
}

inline std::vector<RegisterWrite> read_writes(const std::string& path) {
  static_assert(sizeof(RegisterWrite) == 24, "the file holds three numbers of 64 bits for each");
  const File file = open_file(path, "rb");
  std::vector<RegisterWrite> writes;
  RegisterWrite next;
  while (std::fread(&next, sizeof(next), 1, file.get()) == 1) writes.push_back(next);
  return writes;
}

inline void check_counts(const Options& options) {
  std::vector<uint64_t> counts = {options.frames, options.in_beats, options.in_bytes,
                                  options.watchdog};
  counts.insert(counts.end(), options.out_beats.begin(), options.out_beats.end());
  counts.insert(counts.end(), options.out_bytes.begin(), options.out_bytes.end());
  if (*std::min_element(counts.begin(), counts.end()) == 0) {
    die(kExitUsage, "--frames, --in-beats, --out-beats, --in-bytes, --out-bytes and --watchdog "
                    "must be at least 1");
  }
}

inline void check_writes(const Options& options) {
  uint64_t frame = 0;
  for (const RegisterWrite& write : options.writes) {
    if (write.frame < frame || write.frame >= options.frames) {
      die(kExitUsage, "a write before frame " + std::to_string(write.frame) + " comes after one " +
                          "before frame " + std::to_string(frame) + ", or there are only " +
                          std::to_string(options.frames) + " frames");
    }
    frame = write.frame;
  }
}

inline Options parse_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (i + 1 == argc) die(kExitUsage, name + " needs a value");
    const std::string value = argv[i + 1];
    if (name == "--in") options.in_path = value;
    else if (name == "--out") options.out_paths.push_back(value);
    else if (name == "--json") options.json_path = value;
    else if (name == "--frames") options.frames = parse_count(name, value);
    else if (name == "--in-beats") options.in_beats = parse_count(name, value);
    else if (name == "--out-beats") options.out_beats.push_back(parse_count(name, value));
    else if (name == "--in-bytes") options.in_bytes = parse_count(name, value);
    else if (name == "--out-bytes") options.out_bytes.push_back(parse_count(name, value));
    else if (name == "--seed") options.seed = parse_count(name, value);
    else if (name == "--watchdog") options.watchdog = parse_count(name, value);
    else if (name == "--stall") options.stall = parse_probability(name, value);
    else if (name == "--writes") options.writes = read_writes(value);
    else if (name == "--read") options.reads.push_back(parse_count(name, value));
    else die(kExitUsage, "unknown option " + name);
  }
  if (options.in_path.empty() || options.out_paths.empty() || options.json_path.empty()) {
    die(kExitUsage, "--in, --out and --json are needed");
  }
  if (options.out_paths.size() != options.out_beats.size() ||
      options.out_paths.size() != options.out_bytes.size()) {
    die(kExitUsage, "every --out needs its --out-beats and its --out-bytes");
  }
  check_counts(options);
  check_writes(options);
  return options;
}

#endif

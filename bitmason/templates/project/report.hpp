// SPDX-License-Identifier: Apache-2.0
//
// What a run measured, as JSON.

#ifndef BITMASON_REPORT_HPP
#define BITMASON_REPORT_HPP

#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <string>
#include <vector>

#include "host.hpp"
#include "options.hpp"

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

struct Measured {
  uint64_t cycles = 0;
  uint64_t first_taken = 0;          // the cycle of the first input beat
  std::vector<uint64_t> frame_ends;  // the cycle of each last output beat
  bool frame_error = false;
  uint64_t tlast_errors = 0;
  uint64_t extra_beats = 0;
  double seconds = 0.0;
  std::vector<uint64_t> values;           // of the registers read
  std::vector<uint64_t> read_responses;   // one for each of them
  std::vector<uint64_t> write_responses;  // one for each register written
};

inline std::string json_list(const std::vector<uint64_t>& numbers) {
  std::string text;
  for (const uint64_t number : numbers) text += (text.empty() ? "" : ", ") + std::to_string(number);
  return "[" + text + "]";
}

inline void write_json(const Options& options, const Measured& measured) {
  const Distances distances(measured.frame_ends);
  const File file = open_file(options.json_path, "w");
  std::fprintf(file.get(), "{\"cycles\": %" PRIu64 ", \"frames\": %" PRIu64, measured.cycles,
               options.frames);
  std::fprintf(file.get(), ", \"latency_cycles\": %" PRIu64,
               measured.frame_ends.front() - measured.first_taken);
  std::fprintf(file.get(), ", \"ii_cycles\": %s",
               distances.constant ? std::to_string(distances.constant).c_str() : "null");
  std::fprintf(file.get(), ", \"ii_min\": %" PRIu64 ", \"ii_max\": %" PRIu64 ", \"ii_mean\": %.6f",
               distances.min, distances.max, distances.mean);
  std::fprintf(file.get(), ", \"frame_error\": %s", measured.frame_error ? "true" : "false");
  std::fprintf(file.get(), ", \"tlast_errors\": %" PRIu64 ", \"extra_beats\": %" PRIu64,
               measured.tlast_errors, measured.extra_beats);
  std::fprintf(file.get(), ", \"values\": %s, \"read_responses\": %s, \"write_responses\": %s",
               json_list(measured.values).c_str(), json_list(measured.read_responses).c_str(),
               json_list(measured.write_responses).c_str());
  std::fprintf(file.get(), ", \"stall\": %g, \"seed\": %" PRIu64 ", \"seconds\": %.6f}\n",
               options.stall, options.seed, measured.seconds);
}

#endif

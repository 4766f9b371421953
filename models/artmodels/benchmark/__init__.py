"""The SynthDive48 benchmark: networks and ablations under one budget, over cached tokens of one
frozen encoder.
"""

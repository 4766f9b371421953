"""Networks, training, evaluation and export of action-region-tracking models for the `artclassify`
element.
"""

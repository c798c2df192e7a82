"""Data sets as uint8 tensors with fixed splits and a content hash. `facts` loads without torch."""

"""What is learned: networks, their equations, and the reference run in PyTorch. Knows no spreadsheet."""

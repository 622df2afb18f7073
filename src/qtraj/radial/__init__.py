"""Functions of r: grids and bound states; knows no QCD."""

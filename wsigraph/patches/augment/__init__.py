"""Random changes of patches that keep what they show: crops, flips, colours, blur; torch alone."""

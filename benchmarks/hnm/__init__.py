"""Hard negative mining on real pixels: 27 x 27 px around the labelled nuclei of 100 colon images."""

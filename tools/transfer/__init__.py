"""Builder of the shipped prices of data transfer, from collected price lists."""

"""HLS C++ of layers and networks, built with g++ and held to the golden model."""

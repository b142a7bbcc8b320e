"""The reference GoogLeNet: from a folder of photographs to a measured, sealed image classifier."""

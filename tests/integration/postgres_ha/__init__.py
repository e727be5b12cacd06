"""The tests of one database cluster: a package, so that the cluster ends with the last of them."""

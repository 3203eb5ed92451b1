"""DeRIS (Dai et al., ICCV 2025): object queries that read the words again after every layer."""

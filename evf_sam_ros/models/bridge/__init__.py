"""The SAM-CLIP bridge (Ito, WACV 2025): what CLIP and BERT agree on, told to SAM."""

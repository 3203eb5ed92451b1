"""The SAM-CLIP bridge (Ito, WACV 2025): prompts for SAM from the features of CLIP and BERT."""

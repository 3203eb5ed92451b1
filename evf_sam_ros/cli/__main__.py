"""Run `evf-sam` by `python -m evf_sam_ros.cli`."""

import sys

from evf_sam_ros.cli.command_line import main

sys.exit(main())

#!/bin/bash
set -e
echo "Here would be the database migrations of $(git rev-parse --short HEAD)"
echo "prepared at $(date -u '+%H:%M:%S UTC')" > pre-deploy.txt

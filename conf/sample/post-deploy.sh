#!/bin/bash
set -e
echo "Here would be a notification: $(git rev-parse --short HEAD) is live on port ${APP_PORT}"

source "https://rubygems.org"

gem "roda"
gem "falcon"

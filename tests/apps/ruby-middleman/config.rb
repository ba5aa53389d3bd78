activate :autoprefixer
set :build_dir, 'dist'

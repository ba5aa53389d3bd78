"""What tests share: real repositories, a real `orbit run`, and waiting for facts."""

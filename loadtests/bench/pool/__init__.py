"""Two replicas behind a real balancer, beside what a plan predicts from one of them."""
